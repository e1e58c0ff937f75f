// The promises of this project, as assertions over one world. Each throws Broken.
#pragma once

#include <string>
#include <string_view>

#include "sim/machine.hpp"

namespace devkey::sim {

/// Promises 1 to 3 over what is there now.
void check_promises(Machine& machine);

/// The dead man's switch begins to trip: whether the program has been silent for so long. Called whenever the
/// state may say so for the first time.
void note_switching_off(Machine& machine);

/// A key begins to come back: whether anybody asked for it. Called whenever the state may say so for the
/// first time.
void note_returning(Machine& machine);

/// What a change may be, just before it is sent: promises 2 and 3, the grace, and that generations never
/// repeat.
void check_change(Machine& machine, std::string_view call, const std::string& subject);

/// Promise 6: no storm. `disturbances`: restarts and people in a hurry that the hour has seen.
void check_quiet(const Machine& machine, std::size_t requests, std::size_t wakes, std::size_t disturbances);

/// When the world has been well for some days: the device has its key, and nothing is half done.
void check_recovery(Machine& machine);

}  // namespace devkey::sim
