// How the verbs ask, tell what came of it, and say what they wait for: what they share.
#pragma once

#include <string>

#include "core/error.hpp"
#include "devkeyctl/render.hpp"
#include "devkeyctl/verbs.hpp"

namespace devkey::ctl {

/// Between two looks: a rotation takes a second or two. Often enough to be told at once, and no load.
inline constexpr core::Millis look_again{200};

[[nodiscard]] core::Result<Answer> ask(const Terminal& terminal, const control::Question& question);

/// In a line, for people.
[[nodiscard]] std::string words_of(const Answer& answer);
/// Why it still waits, by its status.
[[nodiscard]] std::string words_of_wait(const Answer& status);

/// Each tells who called, and answers the exit code.
int tell(const Terminal& terminal, const core::Error& error);
int tell(const Terminal& terminal, const Answer& answer);
/// Of what was asked for and isn't done: `later` (exit_later), `not-done` (exit_not_done).
int tell_failure(const Terminal& terminal, const std::string& error, const std::string& detail);
int tell_timeout(const Terminal& terminal, const std::string& last);
/// By a status in which what was asked for stands no more: something else does, or `otherwise`.
int tell_displaced(const Terminal& terminal, const Answer& status, const std::string& otherwise);

/// Says what is waited for whenever that changes.
class Watcher {
 public:
    explicit Watcher(const Terminal& terminal) : terminal_(terminal) {}
    void see(std::string now) {
        if (now == last_) return;
        last_ = std::move(now);
        if (!terminal_.json) terminal_.note("waiting: " + last_);
    }
    [[nodiscard]] const std::string& last() const { return last_; }

 private:
    const Terminal& terminal_;
    std::string last_;
};

}  // namespace devkey::ctl
