// The machine's id, as programs may tell it: hashed.
#pragma once

#include <array>
#include <string>

#include "core/error.hpp"

namespace devkey::host {

using ApplicationId = std::array<unsigned char, 16>;

/// What sd_id128_get_machine_app_specific(3) documents: HMAC-SHA256 of the application's id, keyed by the
/// machine's, cut to a UUID of version 4; as 32 lower-case hex digits. `file` holds the machine's
/// (machine-id(5)). NotFound, Insecure (it can't be read), Io (it holds no id): with the
/// remedy.
[[nodiscard]] core::Result<std::string> hashed_machine_id(const ApplicationId& application,
                                                          const std::string& file = "/etc/machine-id");

}  // namespace devkey::host
