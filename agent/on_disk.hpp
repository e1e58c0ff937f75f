// What settings and state on disk tell, whether or not an agent runs.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "core/forecast.hpp"
#include "core/request.hpp"
#include "core/settings.hpp"
#include "core/status.hpp"

namespace devkey {

/// How the device fares as far as the state tells.
[[nodiscard]] core::Status status_on_disk(const core::Policy& policy, const std::optional<core::State>& state,
                                          core::Instant now);

/// What a plan rests on beside settings and state.
struct Known {
    std::string device;                               ///< its id; empty: it isn't known yet
    core::Asking asking{};                            ///< what stands
    std::optional<core::Slots> slots{};               ///< of the owner
    core::Instant now{};                              ///< by the best clock there is
    core::ClockTrust trust = core::ClockTrust::None;  ///< how good that is
};

/// What would be done within `span`, by an agent that starts now: see engine/rehearsal.hpp. Reads the state,
/// changes nothing, asks nobody. A state that can't be read is in it as what holds the agent. It takes a
/// while; `stop` cuts it short. From any thread.
[[nodiscard]] core::Forecast plan_on_disk(const core::Settings& settings, const Known& known,
                                          core::Millis span, std::stop_token stop = {});

}  // namespace devkey
