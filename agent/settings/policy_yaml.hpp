// The content of policy.yaml.
#pragma once

#include "core/policy.hpp"
#include "settings/document.hpp"

namespace devkey::settings {

/// Adds a problem for everything that is wrong in itself, contradicts something else in the file, or is more
/// than `service` can do; what it answers counts only if there is none.
[[nodiscard]] core::Policy read_policy_yaml(const Node& root, const core::Capabilities& service,
                                            Problems& problems);

}  // namespace devkey::settings
