// What a person asks for: it is written down (requests.json), and stands until it is done.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace devkey::core {

enum class Request {
    None,
    Decommission,  ///< take the device out of service
    Recommission,  ///< take it into service again
    TakeOver,      ///< delete the keys of other installations of this device
    Rotate,        ///< replace the key
};

/// As its flag or verb has it, in kebab case; of None: `none`.
[[nodiscard]] std::string_view name_of(Request request);

struct Asking {
    Request request = Request::None;
    std::string id{};  ///< random, by whoever asked; empty: written by an earlier devkeyd
    std::uint32_t generation =
        0;                     ///< Rotate: the generation to replace; it is done when there is a later one
    bool compromised = false;  ///< Rotate: what is replaced is disabled at once
    std::string why{};         ///< in the words of who asked; at most longest_why bytes
    std::string by{};          ///< who asked: `uid 0`

    bool operator==(const Asking&) const = default;
};

inline constexpr std::size_t longest_why = 200;

/// Whether `other` asks for what `one` asks for already: asking twice does it once.
[[nodiscard]] bool asks_for_the_same(const Asking& one, const Asking& other);

}  // namespace devkey::core
