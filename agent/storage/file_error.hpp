// What errno means for the caller, and what a person can do about it.
#pragma once

#include <expected>
#include <string_view>

#include "core/error.hpp"

namespace devkey::storage {

/// `path: can't WHAT: the system's text; the remedy`. Forbidden for "not permitted", Insecure where a
/// symbolic link stands in a file's place, Io for the rest. `error_number` is an errno.
[[nodiscard]] std::unexpected<core::Error> file_error(int error_number, std::string_view path,
                                                      std::string_view what);

}  // namespace devkey::storage
