// A name for a secret that may stand in a log.
#pragma once

#include <string>

#include "core/secret.hpp"

namespace devkey::services {

/// `sha256:` and the first 16 hexadecimal digits of its SHA-256. Who finds a key somewhere can tell which one
/// it is; nobody can get from it to a key of the service, whose value is long and random.
[[nodiscard]] std::string fingerprint(const core::Secret& secret);

}  // namespace devkey::services
