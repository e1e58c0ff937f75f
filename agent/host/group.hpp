// The system's groups.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/error.hpp"

namespace devkey::host {

/// The id of the group `name`. It may ask the network, where the system's groups come from there.
/// InvalidInput: there is no such group.
[[nodiscard]] core::Result<gid_t> group_id(const std::string& name);

}  // namespace devkey::host
