#include "devkeyctl/telling.hpp"

#include <utility>

#include "devkeyctl/exit_codes.hpp"

namespace devkey::ctl {

using control::Question;
using core::ErrorKind;
using core::Result;

namespace {

int exit_code_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::NotFound:
            return exit_not_running;
        case ErrorKind::Forbidden:
            return exit_refused;
        case ErrorKind::InvalidInput:
            return exit_usage;
        case ErrorKind::Corrupt:
            return exit_protocol;
        default:
            return exit_later;
    }
}

std::string_view name_of_failure(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::NotFound:
            return "not-running";
        case ErrorKind::Forbidden:
            return "not-allowed";
        case ErrorKind::Corrupt:
            return "not-understood";
        default:
            return "no-answer";
    }
}

int exit_code_of_refusal(std::string_view error) {
    if (error == "not-allowed") return exit_refused;
    if (error == "busy") return exit_later;
    if (error == "not-saved") return exit_io;
    if (error == "not-possible") return exit_not_done;
    if (error == "bad-settings") return exit_settings;
    return exit_usage;
}

int exit_code_of(const Answer& answer) {
    if (answer.kind == "refused") return exit_code_of_refusal(answer.error);
    return answer.kind == "nothing-to-do" ? exit_nothing_to_do : exit_done;
}

}  // namespace

std::string words_of(const Answer& answer) {
    if (answer.kind == "refused") return answer.error + ": " + answer.detail;
    if (answer.kind == "accepted") return "written down: the agent does it as soon as it can";
    if (answer.detail.empty()) return answer.kind;
    return answer.kind + ": " + answer.detail;
}

Result<Answer> ask(const Terminal& terminal, const Question& question) {
    auto line = terminal.ask(question);
    if (!line) return std::unexpected(std::move(line.error()));
    return parse_answer(*std::move(line));
}

int tell(const Terminal& terminal, const core::Error& error) {
    const auto name = std::string(name_of_failure(error.kind));
    if (terminal.json)
        terminal.out(json_of("failed", {{"error", name}, {"detail", error.message}}));
    else
        terminal.note(name + ": " + error.message);
    return exit_code_of(error.kind);
}

int tell(const Terminal& terminal, const Answer& answer) {
    if (terminal.json)
        terminal.out(answer.line);
    else if (answer.kind == "refused")
        terminal.note(words_of(answer));
    else
        terminal.out(words_of(answer));
    return exit_code_of(answer);
}

int tell_failure(const Terminal& terminal, const std::string& error, const std::string& detail) {
    if (terminal.json)
        terminal.out(json_of("failed", {{"error", error}, {"detail", detail}}));
    else
        terminal.note(error + ": " + detail);
    return error == "later" ? exit_later : exit_not_done;
}

int tell_timeout(const Terminal& terminal, const std::string& last) {
    return tell_failure(terminal, "later",
                        last + "; what was asked for stands, and the agent goes on with it");
}

int tell_displaced(const Terminal& terminal, const Answer& status, const std::string& otherwise) {
    const bool other = !status.asked.empty();
    return tell_failure(terminal, "not-done",
                        other ? status.asked + " was asked for meanwhile, and takes its place" : otherwise);
}

std::string words_of_wait(const Answer& status) {
    // What comes next is under way at once.
    if (status.reason == "healthy") return "the agent begins with it";
    return status.reason + ": " + status.sentence + (status.doing.empty() ? "" : " (" + status.doing + ")");
}

}  // namespace devkey::ctl
