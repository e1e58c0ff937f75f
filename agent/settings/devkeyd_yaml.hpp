// The content of devkeyd.yaml.
#pragma once

#include <optional>
#include <string>

#include "core/settings.hpp"
#include "settings/document.hpp"

namespace devkey::settings {

/// What devkeyd.yaml says; the policy's own values stay as they are by default.
struct DevkeydYaml {
    core::Settings settings;
    std::string policy;  ///< as written; empty: none
    Place policy_place;
};

/// Adds a problem for everything that is wrong; what it answers counts only if there is none. `file` is the
/// path of devkeyd.yaml itself, which the credential must not replace.
[[nodiscard]] DevkeydYaml read_devkeyd_yaml(const Node& root, const std::string& file, Problems& problems);

}  // namespace devkey::settings
