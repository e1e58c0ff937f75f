// What the daemon answers, for people. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/status.hpp"

namespace devkey::ctl {

/// What devkeyctl needs of an answer to know.
struct Answer {
    std::string kind;    ///< status, accepted, nothing-to-do, done, refused
    std::string error;   ///< of refused
    std::string detail;  ///< for people
    std::string id;      ///< of accepted: of what was written down
    std::string line;    ///< as it came: --json passes it on

    // of a status
    std::string health;
    std::string reason;
    std::string sentence;
    std::string standing;  ///< of the key; empty: none
    std::uint32_t generation = 0;
    std::string key_name;
    bool off_by_person = false;  ///< the key was switched off for a person
    bool acknowledged = false;   ///< the device's program uses the key
    bool whole = false;          ///< the credential file
    std::string doing;           ///< the action under way; empty: none
    std::string agent_version;
    std::string asked_id;  ///< of what stands; empty: nothing
    std::string asked;     ///< its request
    std::optional<core::Instant> now;
    std::optional<core::Instant> listed_at;  ///< when the service last listed the owner's keys
    std::vector<std::uint32_t> enabled;      ///< generations of old keys that still work
};

/// Corrupt: it is none that this devkeyctl understands.
[[nodiscard]] core::Result<Answer> parse_answer(std::string line);

/// The status in lines. `color`: with the terminal's colours.
[[nodiscard]] core::Result<std::string> render_status(const Answer& answer, bool color);

/// The device's keys, as the service had them at `listed_at`, and how full the owner's quota was: in lines.
[[nodiscard]] core::Result<std::string> render_keys(const Answer& answer);

/// A line for each entry: `AT event: message (field=value, …)`.
[[nodiscard]] core::Result<std::vector<std::string>> render_history(const Answer& answer);

/// As one JSON object, for answers of devkeyctl itself: `{"version":1,"answer":…}` and text fields.
[[nodiscard]] std::string json_of(std::string_view kind,
                                  const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace devkey::ctl
