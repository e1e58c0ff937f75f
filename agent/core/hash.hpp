// A small stable hash: for spreading and for short labels, never for security.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace devkey::core {

/// FNV-1a, 64 bits, with a final mix so that near inputs end far apart. The same on every machine and
/// release. Of several parts: of the text that they make together.
[[nodiscard]] constexpr std::uint64_t stable_hash(std::initializer_list<std::string_view> parts) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const auto part : parts)
        for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9U;
    hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebU;
    return hash ^ (hash >> 31U);
}

[[nodiscard]] constexpr std::uint64_t stable_hash(std::string_view text) {
    return stable_hash({text});
}

}  // namespace devkey::core
