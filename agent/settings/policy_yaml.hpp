// The content of policy.yaml.
#pragma once

#include "core/policy.hpp"
#include "settings/document.hpp"

namespace devkey::settings {

/// Adds a problem for everything that is wrong; what it answers counts only if there is none.
[[nodiscard]] core::Policy read_policy_yaml(const Node& root, Problems& problems);

}  // namespace devkey::settings
