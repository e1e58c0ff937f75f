// What a person asks for: it is written down (requests.json), and stands until it is done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"

namespace devkey::core {

enum class Request {
    None,
    Decommission,  ///< take the device out of service
    Recommission,  ///< take it into service again
    TakeOver,      ///< delete the keys of other installations of this device
    Rotate,        ///< replace the key
    Rollback,      ///< take the key before it back into use
    Disable,       ///< disable the key, until a person has it enabled
    Enable,        ///< enable it again, whoever disabled it
    Acknowledge,   ///< the device's programs use the key: what it replaced needs no grace
    Pause,         ///< change nothing by the policy's schedule, for a while
    Resume,
};

/// Whether it is about one generation of the key: what comes too late for that one is done already.
[[nodiscard]] bool names_a_generation(Request request);

/// As its flag or verb has it, in kebab case; of None: `none`.
[[nodiscard]] std::string_view name_of(Request request);

struct Asking {
    Request request = Request::None;
    std::string id{};                ///< random, by whoever asked; empty: written by an earlier devkeyd
    std::uint32_t generation = 0;    ///< of those that name one: which key it is about
    bool compromised = false;        ///< Rotate: what is replaced is disabled at once
    std::optional<Instant> until{};  ///< Pause: none: until Resume
    std::string why{};               ///< in the words of who asked; at most longest_why bytes
    std::string by{};                ///< who asked: `uid 0`

    bool operator==(const Asking&) const = default;
};

inline constexpr std::size_t longest_why = 200;
inline constexpr Millis longest_pause = std::chrono::days{30};

/// Whether `other` asks for what `one` asks for already: asking twice does it once.
[[nodiscard]] bool asks_for_the_same(const Asking& one, const Asking& other);

}  // namespace devkey::core
