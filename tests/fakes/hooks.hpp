// Hooks that are only remembered, and fail when told to.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ports/hooks.hpp"

namespace devkey::fakes {

class Hooks : public ports::Hooks {
 public:
    core::Result<void> run(const core::Hook& hook, const ports::HookFacts& facts) override {
        ran.push_back(hook.run.front());
        told = facts;
        if (failing) return std::unexpected(*failing);
        return {};
    }
    /// What the latest was told under this name; empty: nothing.
    [[nodiscard]] std::string fact(const std::string& name) const {
        for (const auto& [fact, value] : told)
            if (fact == name) return value;
        return {};
    }

    std::vector<std::string> ran;
    ports::HookFacts told;
    std::optional<core::Error> failing;
};

}  // namespace devkey::fakes
