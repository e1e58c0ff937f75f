// What a seed makes of a world before it begins.
#pragma once

#include "core/policy.hpp"
#include "engine/reconciler.hpp"
#include "sim/cloud.hpp"
#include "sim/dice.hpp"
#include "sim/program.hpp"

namespace devkey::sim {

/// A policy that its own checks and the service allow.
[[nodiscard]] core::Policy random_policy(Dice& dice, const core::Capabilities& service);

/// What the service can do, how it lags, and how often a request goes wrong.
void make_service(Dice& dice, Cloud& cloud);

/// Who and where the agent of device number `number` is.
[[nodiscard]] engine::Setup random_setup(Dice& dice, const core::Capabilities& service, std::size_t number);

/// How often the device's program beats (never too seldom for this policy), and into what file.
void make_program(Dice& dice, const core::WatchdogPolicy& watchdog, Program& program);

}  // namespace devkey::sim
