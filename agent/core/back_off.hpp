// How long to wait after an error, by its kind.
#pragma once

#include <string_view>

#include "core/error.hpp"
#include "core/time.hpp"

namespace devkey::core {

/// The wait after the `count`th failure in a row (1, 2, …): doubling from the kind's first wait to its
/// longest, and at least what the service asked for; then up to a quarter more, fixed by `seed` (the device)
/// and `count`, so that a fleet that failed together doesn't come back together. With that quarter it is at
/// most `longest`, unless the service asked for more.
[[nodiscard]] Millis back_off(const Error& error, unsigned count, std::string_view seed,
                              Millis longest = Millis::max());

}  // namespace devkey::core
