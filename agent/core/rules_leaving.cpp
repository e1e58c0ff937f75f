// The rules for a device that is taken out of service.
#include "core/leaving.hpp"
#include "core/rules.hpp"

namespace devkey::core::rule {

bool is_leaving(const Observation& seen) {
    return seen.state && seen.state->decommissioned_at;
}

Answer decommissioned_device_rests(const Policy& policy, const Observation& seen) {
    if (!is_leaving(seen) || !keys_left(policy, *seen.state).empty()) return std::nullopt;
    if (seen.asked.request == Request::Recommission)
        return act(Action::Recommission, Reason::RecommissionAsked);
    return hold(Reason::Decommissioned, words_of_rest(*seen.state));
}

Answer decommission_is_begun(const Policy& /*policy*/, const Observation& seen) {
    // Also when a create that was under way has made a key since.
    const bool has_secrets = is_leaving(seen) && (seen.state->pending || seen.state->current);
    const bool begins = !is_leaving(seen) && seen.asked.request == Request::Decommission;
    if (!has_secrets && !begins) return std::nullopt;
    return act(Action::Decommission, Reason::DecommissionAsked);
}

Answer leaves_under_another_identity(const Policy& policy, const Observation& seen) {
    auto asked = decommission_is_begun(policy, seen);
    // The keys are none of ours there: they don't stand in the way of a new life.
    if (!asked && is_leaving(seen) && seen.asked.request == Request::Recommission)
        asked = act(Action::Recommission, Reason::RecommissionAsked);
    const bool unsaved = asked && seen.state_unsaved;
    return unsaved ? state_can_be_saved(policy, seen) : asked;
}

Answer decommissioned_keys_go(const Policy& policy, const Observation& seen) {
    if (!is_leaving(seen)) return std::nullopt;
    const bool only_disables = policy.decommission == Policy::Decommission::Disable;
    return first_of(seen.state->superseded, seen, [&](const OldKey& key) -> Answer {
        if (!must_go(policy, key)) return std::nullopt;
        const auto echo = only_disables ? std::nullopt : echo_of(key, seen);
        // It doesn't work any more while its name has to stay taken.
        const bool disable = only_disables || (echo && !key.disabled_at && seen.capabilities.can_disable);
        if (echo && !disable) return echo;
        return act(disable ? Action::DisableKey : Action::RemoveKey, Reason::DecommissionAsked, key.name,
                   key.id);
    });
}

}  // namespace devkey::core::rule
