// simulate --policy: what a policy does to a fleet, told to people and programs.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "sim/fleet.hpp"

namespace devkey::simulate {

struct FleetFlags {
    std::string policy;
    std::size_t devices = 10'000;
    std::size_t per_owner = 10;
    core::Millis lasts = std::chrono::days{365};
    core::Millis start_within = std::chrono::hours{1};
    std::optional<core::Millis> power_cut;
    core::Millis power_cut_lasts = std::chrono::hours{1};
    bool json = false;
};

/// Adds the flags about fleets to `app`; they go with --policy only.
void add_fleet_flags(CLI::App& app, FleetFlags& flags);

/// The fleet that is asked for; InvalidInput says which flags contradict each other.
[[nodiscard]] core::Result<sim::Fleet> fleet_of(const FleetFlags& flags, const core::Policy& policy);

[[nodiscard]] std::string as_text(const sim::Fleet& fleet, const sim::FleetReport& report);
/// One JSON object in one line, `"version": 1`; tests/README.md says what its members mean.
[[nodiscard]] std::string as_json(const sim::Fleet& fleet, const sim::FleetReport& report);

/// Lives through it and prints what came of it. Answers the exit code: 0, 64 (flags that contradict each
/// other), 78 (the policy).
[[nodiscard]] int run_fleet(const FleetFlags& flags, unsigned jobs);

}  // namespace devkey::simulate
