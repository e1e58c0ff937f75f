// What a policy does to a fleet: many devices of many owners live through it in fine weather, by the real
// planner and reconciler, from event to event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/decision.hpp"
#include "core/policy.hpp"
#include "core/service_view.hpp"
#include "core/time.hpp"

namespace devkey::sim {

using core::Millis;

/// All devices lose power at the same moment, and start again in the same second.
struct PowerCut {
    Millis at{};                           ///< since the fleet's beginning
    Millis lasts = std::chrono::hours{1};  ///< the devices start again after that
};

/// What is lived through.
struct Fleet {
    core::Policy policy;
    core::Capabilities service;
    std::size_t devices = 10'000;
    std::size_t per_owner = 10;
    Millis lasts = std::chrono::days{365};
    Millis start_within =
        std::chrono::hours{1};          ///< the devices start for the first time, spread over this span
    std::optional<PowerCut> power_cut;  ///< after `start_within`
};

/// What came of it. Times are true ones.
struct FleetReport {
    std::vector<std::uint32_t> minutes;  ///< requests in each minute since the fleet's beginning
    std::uint64_t passes = 0;            ///< of the reconcilers
    std::uint64_t keys_made = 0;
    std::uint64_t rotations = 0;
    std::optional<Millis> shortest_period;  ///< from one key's publishing to the next one's
    std::optional<Millis> longest_period;
    Millis greatest_age{};            ///< of a key in use, at its end or at the fleet's
    std::size_t most_keys = 0;        ///< of one owner at once, disabled ones too
    Millis longest_wait{};            ///< of a device, from when it wanted a new key until that was published
    std::size_t waiting_devices = 0;  ///< that want a new key at the end
    std::map<core::Reason, std::size_t> in_the_end;  ///< devices by what they told last

    /// Adds what came of other owners' devices.
    void add(const FleetReport& other);
    [[nodiscard]] std::uint64_t requests() const;
};

/// Requests by the hour in steady state: whole hours from the second rotation period on (from the second half
/// on, where keys aren't rotated by age), without those from the power cut until an hour after the restart.
struct SteadyState {
    Millis from{};
    std::size_t hours = 0;  ///< that were counted; 0: the fleet didn't live long enough
    std::uint64_t requests = 0;
    std::uint64_t peak = 0;  ///< of one hour
    [[nodiscard]] double mean() const;
    [[nodiscard]] double peak_to_mean() const;
};

/// The hour after a power cut.
struct Restart {
    std::uint64_t requests = 0;
    std::uint64_t busiest_minute = 0;
    [[nodiscard]] double mean_minute() const;
    [[nodiscard]] double peak_to_mean() const;
};

/// Lives through it on `jobs` threads. The same fleet always gives the same report. Throws Broken where a
/// device doesn't settle.
[[nodiscard]] FleetReport live_through(const Fleet& fleet, unsigned jobs = 1);

[[nodiscard]] SteadyState steady_state(const Fleet& fleet, const FleetReport& report);
/// None without a power cut, or if less than an hour of the fleet's life follows it.
[[nodiscard]] std::optional<Restart> restart_of(const Fleet& fleet, const FleetReport& report);

}  // namespace devkey::sim
