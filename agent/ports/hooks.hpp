// Programs that the policy has run when something happens to the key.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/policy.hpp"

namespace devkey::ports {

/// What a hook is told, as environment variables: never a secret.
using HookFacts = std::vector<std::pair<std::string, std::string>>;

class Hooks {
 public:
    virtual ~Hooks() = default;
    /// Runs it and waits for its end. TooEarly: we stop, and it was ended. Any other error: it failed.
    [[nodiscard]] virtual core::Result<void> run(const core::Hook& hook, const HookFacts& facts) = 0;
};

}  // namespace devkey::ports
