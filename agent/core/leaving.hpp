// A device that is, or was, taken out of service: what is left of it, in words.
#pragma once

#include <string>
#include <vector>

#include "core/policy.hpp"
#include "core/state.hpp"

namespace devkey::core {

/// Whether an old key of a device that leaves has still to be removed, or disabled.
[[nodiscard]] bool must_go(const Policy& policy, const OldKey& key);

/// The names of the keys of this installation that still have to go from a device that leaves, an unanswered
/// create's among them. What the policy only disables is gone then.
[[nodiscard]] std::vector<std::string> keys_left(const Policy& policy, const State& state);

/// For people: since when the device is out of service, what it leaves alone, and the way back. `state` has
/// the tombstone.
[[nodiscard]] std::string words_of_rest(const State& state);

/// For people: what a device that was taken out of service couldn't let go.
[[nodiscard]] std::string words_of_keys_left(const std::vector<std::string>& names);

/// For people: that these keys aren't ours to let go, and how a person does it; empty where there are none.
[[nodiscard]] std::string words_of_others(const std::vector<OtherKey>& others);

/// `a, b, c`.
[[nodiscard]] std::string listing(const std::vector<std::string>& names);

}  // namespace devkey::core
