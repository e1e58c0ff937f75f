#include "core/leaving.hpp"

#include <algorithm>
#include <iterator>

namespace devkey::core {

std::string listing(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

bool must_go(const Policy& policy, const OldKey& key) {
    return policy.decommission == Policy::Decommission::Delete || !key.disabled_at;
}

std::vector<std::string> keys_left(const Policy& policy, const State& state) {
    std::vector<std::string> names;
    if (state.intent && state.intent->stage != Intent::Stage::Unsent) names.push_back(state.intent->name);
    if (state.pending) names.push_back(state.pending->key.name);
    if (state.current) names.push_back(state.current->key.name);
    for (const auto& key : state.superseded)
        if (must_go(policy, key)) names.push_back(key.name);
    return names;
}

std::string words_of_others(const std::vector<OtherKey>& others) {
    if (others.empty()) return {};
    std::vector<std::string> names;
    std::ranges::transform(others, std::back_inserter(names), &OtherKey::name);
    return "keys of other installations of this device are left alone: " + listing(names) +
           "; devkeyd --take-over before a decommission removes them";
}

std::string words_of_rest(const State& state) {
    const std::string others = words_of_others(state.others);
    return "since " + format_instant(*state.decommissioned_at) + (others.empty() ? "" : "; " + others) +
           "; devkeyd --recommission takes it into service again";
}

std::string words_of_keys_left(const std::vector<std::string>& names) {
    return "the device is out of service and its secrets are forgotten, but these keys are left: " +
           listing(names);
}

}  // namespace devkey::core
