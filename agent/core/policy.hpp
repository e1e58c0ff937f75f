// What the owner of the device wants: the content of policy.yaml.
#pragma once

#include "core/time.hpp"

namespace devkey::core {

/// The policy. Every default is the one that config/policy.yaml documents.
struct Policy {
    /// verify.patience: how long a new key may take until it logs in (services lag; contract, fact 10: 15 s
    /// seen).
    Millis verify_patience = std::chrono::seconds{30};
    /// watchdog.credential_file: whether the credential file is watched, and restored when it was touched.
    bool watch_credential_file = true;
};

}  // namespace devkey::core
