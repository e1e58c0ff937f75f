// The form of core::State on disk: JSON, version 1. Pure.
#pragma once

#include <cstddef>

#include "core/secret.hpp"
#include "core/state.hpp"

namespace devkey::storage {

/// A state of ours takes about one kilobyte.
inline constexpr std::size_t largest_state = 1024 * 1024;

/// The text that parse_state reads back as the same state. InvalidInput: this state has no such text (a time
/// that can't be written, a key without a secret, …), and must not replace one that has. Io: too large.
[[nodiscard]] core::Result<core::Secret> format_state(const core::State& state);

/// Corrupt, naming the field, for anything but what format_state writes: a wrong, missing, unknown or doubled
/// field, a newer version, torn or empty text. The message holds no value.
[[nodiscard]] core::Result<core::State> parse_state(const core::Secret& text);

}  // namespace devkey::storage
