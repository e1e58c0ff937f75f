// What the operating system said, as our errors.
#pragma once

#include <expected>
#include <string_view>

#include "core/error.hpp"

namespace devkey::host {

/// `what: the system's text`; `error_number` is an errno. NotFound for a missing file, Insecure for "not
/// permitted", Io for the rest.
[[nodiscard]] std::unexpected<core::Error> system_error(std::string_view what, int error_number);

/// `descriptor` if it is one; throws std::system_error with errno otherwise. For descriptors that only a
/// system without resources refuses: nothing can go on without them.
int must_open(int descriptor, const char* what);

}  // namespace devkey::host
