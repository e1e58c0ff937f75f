// A small stable hash: for spreading and for short labels, never for security.
#pragma once

#include <cstdint>
#include <string_view>

namespace devkey::core {

/// FNV-1a, 64 bits, with a final mix so that near inputs end far apart. The same on every machine and
/// release.
[[nodiscard]] constexpr std::uint64_t stable_hash(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9U;
    hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebU;
    return hash ^ (hash >> 31U);
}

}  // namespace devkey::core
