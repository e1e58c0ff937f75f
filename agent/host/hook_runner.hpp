// Runs the policy's hooks.
#pragma once

#include <string>

#include "ports/hooks.hpp"

namespace devkey::host {

/// Each gets its facts, DEVKEYD_CREDENTIAL_FILE (the path), PATH and LANG as its whole environment, /dev/null
/// to read and to print to, our standard error, and a process group of its own that is killed when it ends,
/// takes too long, or we stop.
class HookRunner final : public ports::Hooks {
 public:
    /// `stop`: readable when we stop; outlives it.
    HookRunner(std::string credential_file, int stop)
        : credential_file_(std::move(credential_file)), stop_(stop) {}

    [[nodiscard]] core::Result<void> run(const core::Hook& hook, const ports::HookFacts& facts) override;

 private:
    std::string credential_file_;
    int stop_;
};

/// What hinders it from being started here: an error whose message begins with the program's path.
[[nodiscard]] core::Result<void> check_hook(const core::Hook& hook);

}  // namespace devkey::host
