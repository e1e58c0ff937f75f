// Root looks with the agent's eyes.
#pragma once

#include <string>

#include "core/error.hpp"

namespace devkey::ctl {

/// As root: becomes the user to whom `directory` belongs, with all their groups, for the rest of the process:
/// what that user owns would else look as if somebody else had put it there, and what is closed to them as if
/// it were open. After host::harden, which it couldn't do any more. Does nothing for anybody else, or where
/// there is no such directory. Io.
[[nodiscard]] core::Result<void> become_owner_of(const std::string& directory);

}  // namespace devkey::ctl
