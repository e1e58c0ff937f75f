// What each verb does: asks, waits where it was told to, tells what came of it, and how to end.
#pragma once

#include <functional>
#include <string>

#include "control/protocol.hpp"
#include "core/error.hpp"
#include "core/time.hpp"

namespace devkey::ctl {

/// The world as devkeyctl sees it: a test puts others in their place.
struct Terminal {
    std::function<core::Result<std::string>(const control::Question&)> ask;  ///< see ask.hpp
    std::function<void(const std::string&)> out;                             ///< a line for who called
    std::function<void(const std::string&)> note;  ///< a line for who watches: what is waited for
    std::function<core::BootInstant()> now;
    std::function<void(core::Millis)> sleep;
    bool json = false;  ///< tell it as one JSON object in a line
    bool color = false;
    /// The answer to status or plan where no agent runs (from_disk.hpp); none: there is no other way.
    std::function<core::Result<std::string>(const control::Question&)> from_disk{};
};

/// Each answers the exit code (exit_codes.hpp). Where no agent runs, what its state on disk tells: that ends
/// as not running all the same.
[[nodiscard]] int status(const Terminal& terminal);

/// The latest `most` entries of who asked for what, and what was changed, and why.
[[nodiscard]] int history(const Terminal& terminal, std::uint32_t most);

/// What would be done within `span`, and why. Also where no agent runs.
[[nodiscard]] int plan(const Terminal& terminal, core::Millis span);

/// The status as Prometheus reads it.
[[nodiscard]] int metrics(const Terminal& terminal);

struct Rotation {
    bool compromised = false;
    std::string why{};
    bool wait = false;
    core::Millis patience{};  ///< to wait at most
};
/// Replaces the key that is current when it is asked: whatever comes in between, it is replaced once.
[[nodiscard]] int rotate(const Terminal& terminal, const Rotation& rotation);

struct Waiting {
    bool wait = false;        ///< until the agent is done with it
    core::Millis patience{};  ///< at most
};
/// Rollback, disable, enable, ack: about the key that is current when it is asked, or `question.generation`.
[[nodiscard]] int ask_about_key(const Terminal& terminal, control::Question question, const Waiting& waiting);

/// Of devkeyctl, and of the devkeyd that runs, if one does.
[[nodiscard]] int tell_versions(const Terminal& terminal);

/// This device's keys, as the service has them now, and how full the owner's quota is.
[[nodiscard]] int list(const Terminal& terminal, core::Millis patience);

/// Reload, pause, resume, decommission, recommission, take-over: asked for, and not waited for.
[[nodiscard]] int just_ask(const Terminal& terminal, const control::Question& question);

/// Until the device has a key that works, `patience` at most: also for an agent that doesn't run yet.
[[nodiscard]] int wait_ready(const Terminal& terminal, core::Millis patience);

}  // namespace devkey::ctl
