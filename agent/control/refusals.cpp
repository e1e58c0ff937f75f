#include "control/refusals.hpp"

#include <algorithm>

namespace devkey::control {

bool Refusals::is_news(const std::string& who, core::BootInstant now) {
    // Nothing is to be told of a minute that is over and had no more in it.
    std::erase_if(minutes_,
                  [&](const auto& entry) { return entry.second.end <= now && entry.second.more == 0; });
    const bool has_own = minutes_.contains(who) || minutes_.size() < most;
    const auto [entry, is_first] =
        minutes_.try_emplace(has_own ? std::optional(who) : std::nullopt, Minute{.end = now + minute});
    if (!is_first) ++entry->second.more;
    return is_first;
}

std::vector<Refusals::Rest> Refusals::take(core::BootInstant now) {
    std::vector<Rest> rests;
    for (const auto& [who, one] : minutes_)
        if (one.end <= now && one.more > 0) rests.push_back({.who = who, .count = one.more});
    std::erase_if(minutes_, [&](const auto& entry) { return entry.second.end <= now; });
    return rests;
}

std::optional<core::BootInstant> Refusals::due() const {
    std::optional<core::BootInstant> first;
    for (const auto& [who, one] : minutes_)
        if (one.more > 0) first = std::min(first.value_or(one.end), one.end);
    return first;
}

}  // namespace devkey::control
