// What a person asks for about the key that is in use, and how the keys are on the service.
#include <chrono>
#include <utility>

#include "devkeyctl/exit_codes.hpp"
#include "devkeyctl/telling.hpp"

namespace devkey::ctl {

using control::Question;
using control::Verb;
using namespace std::chrono_literals;

namespace {

// What was listed so lately is as good as asking again.
constexpr core::Millis fresh = 10s;

/// Whether the agent has let go of what was asked: it stands no more.
bool is_over(const Answer& status, const std::string& id) {
    return status.kind == "status" && status.asked_id != id;
}

bool is_as_asked(const Question& question, const Answer& status) {
    const bool same_key = status.generation == question.generation;
    switch (question.verb) {
        case Verb::Rollback:
            return status.generation < question.generation && !status.standing.empty();
        case Verb::Disable:
            return same_key && status.standing == "switched-off" && status.off_by_person;
        case Verb::Enable:
            return same_key && status.standing == "enabled";
        default:
            return same_key && status.acknowledged;
    }
}

std::string why_not_done(const Question& question, const Answer& status) {
    if (status.standing.empty()) return "the device has no key any more";
    if (status.generation != question.generation)
        return "meanwhile key " + status.key_name + " (generation " + std::to_string(status.generation) +
               ") is in use";
    if (question.verb == Verb::Rollback) return "no earlier key works any more: the current one stays in use";
    return "the key is " + status.standing + ", and nothing stands any more: devkeyctl history tells why";
}

int tell_end(const Terminal& terminal, const Question& question, const Answer& status) {
    if (!is_as_asked(question, status))
        return tell_displaced(terminal, status, why_not_done(question, status));
    if (terminal.json)
        terminal.out(status.line);
    else
        terminal.out("done: key " + status.key_name + " (generation " + std::to_string(status.generation) +
                     ", " + status.standing + ") is in use");
    return exit_done;
}

int wait_until_done(const Terminal& terminal, const Question& question, const std::string& id,
                    core::Millis patience) {
    const auto began = terminal.now();
    Watcher watcher{terminal};
    for (;;) {
        const auto status = ask(terminal, {.verb = Verb::Status});
        // It may be restarted meanwhile: what was asked for stands.
        if (!status && status.error().kind == core::ErrorKind::Corrupt) return tell(terminal, status.error());
        if (status && is_over(*status, id)) return tell_end(terminal, question, *status);
        watcher.see(!status                    ? status.error().message
                    : status->kind == "status" ? words_of_wait(*status)
                                               : words_of(*status));
        if (terminal.now() - began >= patience) return tell_timeout(terminal, watcher.last());
        terminal.sleep(look_again);
    }
}

bool is_fresh(const Answer& status) {
    return status.listed_at && status.now && *status.now - *status.listed_at <= fresh;
}

int tell_keys(const Terminal& terminal, const Answer& status) {
    if (terminal.json) {
        terminal.out(status.line);
        return exit_done;
    }
    const auto text = render_keys(status);
    if (!text) return tell(terminal, text.error());
    terminal.out(*text);
    return exit_done;
}

}  // namespace

int ask_about_key(const Terminal& terminal, Question question, const Waiting& waiting) {
    if (question.generation == 0) {
        const auto before = ask(terminal, {.verb = Verb::Status});
        if (!before) return tell(terminal, before.error());
        if (before->kind != "status") return tell(terminal, *before);
        question.generation = before->generation;
    }
    const auto answer = ask(terminal, question);
    if (!answer) return tell(terminal, answer.error());
    if (!waiting.wait || answer->kind != "accepted") return tell(terminal, *answer);
    return wait_until_done(terminal, question, answer->id, waiting.patience);
}

int list(const Terminal& terminal, core::Millis patience) {
    const auto began = terminal.now();
    const auto asked = ask(terminal, {.verb = Verb::Look});
    if (!asked) return tell(terminal, asked.error());
    if (asked->kind != "done") return tell(terminal, *asked);
    Watcher watcher{terminal};
    for (;;) {
        const auto status = ask(terminal, {.verb = Verb::Status});
        if (!status) return tell(terminal, status.error());
        if (status->kind != "status") return tell(terminal, *status);
        if (is_fresh(*status)) return tell_keys(terminal, *status);
        watcher.see(words_of_wait(*status));
        if (terminal.now() - began >= patience) {
            tell_keys(terminal, *status);
            if (!terminal.json) terminal.note("later: the service didn't answer yet: " + watcher.last());
            return exit_later;
        }
        terminal.sleep(look_again);
    }
}

}  // namespace devkey::ctl
