// What a run came to: its exit code, and how it is told. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/decision.hpp"
#include "core/error.hpp"
#include "core/planner.hpp"

namespace devkey {

// After sysexits.h; 75 is "try again later", 77 "refused", 78 "settings".
inline constexpr int exit_usage = 64;
inline constexpr int exit_state = 65;
inline constexpr int exit_gives_up = 69;
inline constexpr int exit_internal = 70;
inline constexpr int exit_io = 74;
inline constexpr int exit_later = 75;
inline constexpr int exit_connection = 76;
inline constexpr int exit_refused = 77;
inline constexpr int exit_settings = 78;

/// For a run whose last word was `reason`.
[[nodiscard]] int exit_code_of(core::Reason reason);
/// For a run that couldn't begin.
[[nodiscard]] int exit_code_of(core::ErrorKind kind);

/// What --once tells in the end.
struct Outcome {
    int exit_code = 0;
    std::string reason;    ///< stable, kebab case
    std::string detail{};  ///< for people
    bool changed = false;  ///< whether this run changed a key or a file
    std::string key_id{};  ///< of the current key, if there is one
    std::string key_name{};
    unsigned generation = 0;
    std::string credential_file{};
};

/// For who asked, and found that `other` was asked for in the meantime.
[[nodiscard]] Outcome replaced_by(core::Request other);

/// For who asked `request` of another devkeyd, which did it, or so it seems: what really came of it, by the
/// states before and after.
[[nodiscard]] Outcome answer_by_state(core::Request request, const core::Policy& policy,
                                      const std::optional<core::State>& before,
                                      const std::optional<core::State>& after);

/// `provisioned: key NAME (generation N) in PATH; changed: yes`, `decommissioned: DETAIL; changed: yes`,
/// `done: DETAIL; changed: yes`, or `not provisioned: REASON: DETAIL; changed: no`.
[[nodiscard]] std::string as_text(const Outcome& outcome);

/// One JSON object in one line, `"version": 1`.
[[nodiscard]] std::string as_json(const Outcome& outcome);

/// Whether a person who waits for the run's end should wait out this reason, too: when the wait belongs to
/// the job, and takes at most a minute.
[[nodiscard]] bool is_worth_waiting(const core::Decision& decision, core::BootInstant now);

}  // namespace devkey
