#include "devkeyctl/verbs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "control/metrics.hpp"
#include "devkeyctl/exit_codes.hpp"
#include "devkeyctl/render_plan.hpp"
#include "devkeyctl/telling.hpp"

namespace devkey::ctl {

using control::Question;
using control::Verb;
using core::ErrorKind;
using core::Result;
using namespace std::chrono_literals;

namespace {

bool may_look(const Terminal& terminal, const Result<Answer>& answer) {
    return !answer && answer.error().kind == ErrorKind::NotFound && terminal.from_disk;
}

Result<Answer> look(const Terminal& terminal, const Question& question) {
    auto line = terminal.from_disk(question);
    if (!line) return std::unexpected(std::move(line.error()));
    return parse_answer(*std::move(line));
}

int tell_bad_settings(const Terminal& terminal, const std::string& detail) {
    if (terminal.json)
        terminal.out(json_of("failed", {{"error", "bad-settings"}, {"detail", detail}}));
    else
        terminal.note("bad-settings: " + detail);
    return exit_settings;
}

bool leaks(const Answer& status, std::uint32_t generation) {
    return std::ranges::any_of(status.enabled, [=](std::uint32_t old) { return old <= generation; });
}

int tell_rotated(const Terminal& terminal, const Answer& status, const Rotation& rotation,
                 core::Millis took) {
    const auto seconds = fmt::format("{:.1f}", std::chrono::duration<double>(took).count());
    if (terminal.json) {
        std::vector<std::pair<std::string, std::string>> fields{
            {"key_name", status.key_name},
            {"generation", std::to_string(status.generation)},
            {"took_s", seconds}};
        if (rotation.compromised) fields.emplace_back("old_key_worked_for_s", seconds);
        terminal.out(json_of("rotated", fields));
    } else {
        terminal.out(fmt::format(
            "rotated: key {} (generation {}) is published, after {} s{}", status.key_name, status.generation,
            seconds, rotation.compromised ? "; the old one worked until then, and is disabled now" : ""));
    }
    return exit_done;
}

/// Whether what was asked for stands no more, and no other rotation does. `id`: empty, if it was done
/// already.
bool is_displaced(const Answer& status, const std::string& id, std::uint32_t generation) {
    return status.generation <= generation && !id.empty() && status.asked_id != id &&
           status.asked != "rotate";
}

int wait_for_rotation(const Terminal& terminal, const Rotation& rotation, std::uint32_t generation,
                      const std::string& id) {
    const auto began = terminal.now();
    Watcher watcher{terminal};
    for (;;) {
        const auto status = ask(terminal, {.verb = Verb::Status});
        // It may be restarted meanwhile: what was asked for stands.
        if (!status && status.error().kind == ErrorKind::Corrupt) return tell(terminal, status.error());
        if (status && status->kind == "status") {
            const bool published = status->generation > generation && status->whole;
            if (published && !(rotation.compromised && leaks(*status, generation)))
                return tell_rotated(terminal, *status, rotation, terminal.now() - began);
            if (is_displaced(*status, id, generation))
                return tell_displaced(terminal, *status,
                                      "the request stands no more: devkeyctl history tells why");
            watcher.see(words_of_wait(*status));
        } else {
            watcher.see(status ? words_of(*status) : status.error().message);
        }
        if (terminal.now() - began >= rotation.patience) return tell_timeout(terminal, watcher.last());
        terminal.sleep(look_again);
    }
}

bool is_ready(const Answer& status) {
    return status.kind == "status" && (status.health == "healthy" || status.health == "degraded");
}

}  // namespace

int status(const Terminal& terminal) {
    auto answer = ask(terminal, {.verb = Verb::Status});
    const bool nobody = may_look(terminal, answer);
    if (nobody) {
        auto found = look(terminal, {.verb = Verb::Status});
        if (!found) answer.error().message += "; nor can its state be looked at: " + found.error().message;
        if (found) answer = std::move(found);
    }
    if (!answer) return tell(terminal, answer.error());
    if (answer->kind != "status") return tell(terminal, *answer);
    if (terminal.json) {
        terminal.out(answer->line);
    } else {
        auto text = render_status(*answer, terminal.color);
        if (!text) return tell(terminal, text.error());
        text->pop_back();
        terminal.out(*text);
    }
    if (nobody) return exit_not_running;
    if (answer->health == "healthy") return exit_done;
    return answer->health == "degraded" ? exit_degraded : exit_failing;
}

int metrics(const Terminal& terminal) {
    const auto answer = ask(terminal, {.verb = Verb::Status});
    if (!answer) return tell(terminal, answer.error());
    if (answer->kind != "status") return tell(terminal, *answer);
    auto text = control::format_metrics(answer->line);
    if (!text) return tell(terminal, text.error());
    if (terminal.json)
        terminal.out(json_of("metrics", {{"text", *text}}));
    else
        terminal.out(text->substr(0, text->size() - 1));  // a line ends by itself
    return exit_done;
}

int history(const Terminal& terminal, std::uint32_t most) {
    const auto answer = ask(terminal, {.verb = Verb::History, .most = most});
    if (!answer) return tell(terminal, answer.error());
    if (answer->kind != "history" || terminal.json) return tell(terminal, *answer);
    const auto lines = render_history(*answer);
    if (!lines) return tell(terminal, lines.error());
    for (const auto& line : *lines) terminal.out(line);
    return exit_done;
}

int plan(const Terminal& terminal, core::Millis span) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span).count();
    const Question question{.verb = Verb::Plan, .until_s = static_cast<std::uint32_t>(seconds)};
    auto answer = ask(terminal, question);
    if (may_look(terminal, answer)) {
        answer = look(terminal, question);
        if (!answer && answer.error().kind == ErrorKind::InvalidInput)
            return tell_bad_settings(terminal, answer.error().message);
    }
    if (!answer) return tell(terminal, answer.error());
    if (answer->kind != "plan" || terminal.json) return tell(terminal, *answer);
    const auto text = render_plan(answer->line);
    if (!text) return tell(terminal, text.error());
    terminal.out(*text);
    return exit_done;
}

int rotate(const Terminal& terminal, const Rotation& rotation) {
    const auto before = ask(terminal, {.verb = Verb::Status});
    if (!before) return tell(terminal, before.error());
    if (before->kind != "status") return tell(terminal, *before);
    const auto answer = ask(terminal, {.verb = Verb::Rotate,
                                       .generation = before->generation,
                                       .compromised = rotation.compromised,
                                       .why = rotation.why});
    if (!answer) return tell(terminal, answer.error());
    if (!rotation.wait || answer->kind == "refused") return tell(terminal, *answer);
    return wait_for_rotation(terminal, rotation, before->generation, answer->id);
}

int tell_versions(const Terminal& terminal) {
    const auto status = ask(terminal, {.verb = Verb::Status});
    const std::string running = status ? status->agent_version : "";
    if (terminal.json) {
        std::vector<std::pair<std::string, std::string>> fields{{"devkeyctl", DEVKEY_VERSION}};
        if (!running.empty()) fields.emplace_back("devkeyd", running);
        terminal.out(json_of("version", fields));
    } else {
        terminal.out("devkeyctl " DEVKEY_VERSION);
        if (!running.empty()) terminal.out("devkeyd " + running + " runs");
    }
    return exit_done;
}

int just_ask(const Terminal& terminal, const Question& question) {
    const auto answer = ask(terminal, question);
    return answer ? tell(terminal, *answer) : tell(terminal, answer.error());
}

int wait_ready(const Terminal& terminal, core::Millis patience) {
    const auto began = terminal.now();
    Watcher watcher{terminal};
    for (;;) {
        const auto status = ask(terminal, {.verb = Verb::Status});
        if (status && is_ready(*status)) {
            if (terminal.json) terminal.out(status->line);
            return exit_done;
        }
        if (status && status->kind == "refused" && status->error == "not-allowed")
            return tell(terminal, *status);
        watcher.see(!status                    ? status.error().message
                    : status->kind == "status" ? words_of_wait(*status)
                                               : words_of(*status));
        if (terminal.now() - began >= patience) {
            if (!status) return tell(terminal, status.error());
            return tell_failure(terminal, "later", watcher.last());
        }
        terminal.sleep(look_again);
    }
}

}  // namespace devkey::ctl
