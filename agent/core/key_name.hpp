// The names of our keys: `<prefix>-<device>-<installation>-<generation>-<nonce>`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace devkey::core {

inline constexpr std::size_t installation_length = 6;  ///< characters of an installation's tag: 30 bits
inline constexpr std::size_t nonce_length = 4;         ///< it only tells apart what generations don't

/// The parts of a key's name. The name holds [A-Za-z0-9_-] only; `-` separates, and only the device may hold
/// it too.
struct KeyName {
    std::string prefix;        ///< [A-Za-z0-9_]+
    std::string device;        ///< the device's label: see device_label
    std::string installation;  ///< [a-z2-7], installation_length of them
    std::uint32_t generation = 0;
    std::string nonce;  ///< [a-z2-7], nonce_length of them

    bool operator==(const KeyName&) const = default;
};

[[nodiscard]] std::string format(const KeyName& name);

/// Reads back what format writes; none for any other text.
[[nodiscard]] std::optional<KeyName> parse_key_name(std::string_view text);

/// The device id as it stands in names: itself where it fits and has only [A-Za-z0-9_-]; else its beginning
/// (where there is room for it) and a hash of the whole. The same for every generation. `longest_name` is the
/// service's limit. InvalidInput if the prefix leaves too little room (fewer than 6 characters).
[[nodiscard]] Result<std::string> device_label(std::string_view device_id, std::string_view prefix,
                                               std::size_t longest_name);

}  // namespace devkey::core
