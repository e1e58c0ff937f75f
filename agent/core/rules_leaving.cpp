// The rules for a device that is taken out of service.
#include <algorithm>

#include "core/rules.hpp"

namespace devkey::core::rule {
namespace {

using Decommission = Policy::Decommission;

bool must_go(const Policy& policy, const OldKey& key) {
    return policy.decommission == Decommission::Delete || !key.disabled_at;
}

}  // namespace

bool is_leaving(const Observation& seen) {
    return seen.state && seen.state->decommissioned_at;
}

Answer decommissioned_device_rests(const Policy& policy, const Observation& seen) {
    if (!is_leaving(seen)) return std::nullopt;
    const State& state = *seen.state;
    const bool unsettled = state.intent && state.intent->stage != Intent::Stage::Unsent;
    const bool busy =
        unsettled || state.pending || state.current ||
        std::ranges::any_of(state.superseded, [&](const OldKey& key) { return must_go(policy, key); });
    if (busy) return std::nullopt;
    if (seen.asked.request == Request::Recommission)
        return act(Action::Recommission, Reason::RecommissionAsked);
    return hold(Reason::Decommissioned, "since " + format_instant(*state.decommissioned_at) +
                                            "; devkeyd --recommission takes it into service again");
}

Answer decommission_is_begun(const Policy& /*policy*/, const Observation& seen) {
    // Also when a create that was under way has made a key since.
    const bool has_secrets = is_leaving(seen) && (seen.state->pending || seen.state->current);
    const bool begins = !is_leaving(seen) && seen.asked.request == Request::Decommission;
    if (!has_secrets && !begins) return std::nullopt;
    return act(Action::Decommission, Reason::DecommissionAsked);
}

Answer decommissioned_keys_go(const Policy& policy, const Observation& seen) {
    if (!is_leaving(seen)) return std::nullopt;
    const bool disable = policy.decommission == Decommission::Disable;
    for (const auto& key : seen.state->superseded)
        if (must_go(policy, key))
            return act(disable ? Action::DisableKey : Action::RemoveKey, Reason::DecommissionAsked, key.name,
                       key.id);
    return std::nullopt;
}

}  // namespace devkey::core::rule
