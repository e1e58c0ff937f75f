// What the agent would do from now on: the real reconciler, in a world in memory where nothing goes wrong.
#pragma once

#include <cstddef>
#include <stop_token>

#include "core/forecast.hpp"
#include "engine/reconciler.hpp"

namespace devkey::engine {

/// How things stand when a rehearsal begins.
struct Scene {
    Setup setup;
    core::Result<std::optional<core::State>> state;  ///< as it was read from disk
    core::Asking asking{};                           ///< what stands in requests.json
    core::Capabilities service{};
    std::optional<core::Slots> slots{};                 ///< of the owner, as far as they are known
    core::Instant now{};                                ///< right, whoever vouches for it
    core::ClockTrust trust = core::ClockTrust::Server;  ///< once the service is asked anything, it does
    core::Millis utc_offset{};                          ///< stays as it is
};

inline constexpr core::Millis longest_rehearsal = std::chrono::days{400};

/// What bounds the time that a rehearsal takes, whatever the policy says: a pass in memory takes some tens of
/// microseconds.
struct RehearsalLimits {
    std::size_t most_steps = 500;
    std::size_t most_passes = 5'000;  ///< a year of the default policy's
    std::stop_token stop{};           ///< once it is requested, nobody wants the rest: no further pass
};

/// Lets the agent run from the scene on, its clock jumping from one look to the next, and tells what it did.
/// Nothing is touched but memory, and every key that it makes on the way is made up. It takes for granted:
/// the agent starts now, the service answers and obeys, nobody else changes anything, no new request comes,
/// the device's program beats.
[[nodiscard]] core::Forecast rehearse(const Scene& scene, core::Millis span,
                                      const RehearsalLimits& limits = {});

}  // namespace devkey::engine
