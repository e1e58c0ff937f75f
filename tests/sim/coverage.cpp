#include "sim/coverage.hpp"

#include <algorithm>

#include "core/planner.hpp"

namespace devkey::sim {
namespace {

using core::Action;

template <class Key>
void add_to(std::map<Key, std::size_t>& sums, const std::map<Key, std::size_t>& more) {
    for (const auto& [key, count] : more) sums[key] += count;
}

template <class Name>
std::string line(const Name& name, std::size_t count) {
    return "  " + std::string(name) + " " + std::to_string(count) + "\n";
}

}  // namespace

void Coverage::add(const Coverage& other) {
    add_to(rules, other.rules);
    add_to(reasons, other.reasons);
    add_to(events, other.events);
    add_to(faults, other.faults);
    for (const auto& [key, effect] : other.effects) {
        auto& sum = effects[key];
        sum.passed += effect.passed;
        sum.crashed_before += effect.crashed_before;
        sum.crashed_after += effect.crashed_after;
    }
    seeds += other.seeds;
    passes += other.passes;
    requests += other.requests;
    keys += other.keys;
    busiest_hour = std::max(busiest_hour, other.busiest_hour);
    lived += other.lived;
}

std::vector<std::string> Coverage::missing() const {
    std::vector<std::string> lines;
    for (const auto& rule : core::rules())
        if (!rules.contains(rule.name)) lines.push_back("rule " + std::string(rule.name) + " never decided");
    for (int number = 0; number <= static_cast<int>(Action::Recommission); ++number) {
        const auto action = static_cast<Action>(number);
        if (action == Action::Idle || action == Action::Hold) continue;
        const auto reached =
            std::ranges::any_of(effects, [&](const auto& e) { return e.first.first == action; });
        if (!reached) lines.push_back("action " + std::string(name_of(action)) + " was never carried out");
    }
    for (const auto& [key, effect] : effects) {
        const auto what = std::string(key.second) + " of action " + std::string(name_of(key.first));
        if (effect.crashed_before == 0) lines.push_back("no crash before " + what);
        if (effect.crashed_after == 0) lines.push_back("no crash after " + what);
    }
    return lines;
}

std::string Coverage::text() const {
    std::string text = "rules, and how often each decided:\n";
    for (const auto& rule : core::rules())
        text += line(rule.name, rules.contains(rule.name) ? rules.at(rule.name) : 0);
    text += "reasons:\n";
    for (const auto& [reason, count] : reasons) text += line(name_of(reason), count);
    text += "effects of each action: passed, crashed before, crashed after:\n";
    for (const auto& [key, effect] : effects)
        text += "  " + std::string(name_of(key.first)) + " " + std::string(key.second) + " " +
                std::to_string(effect.passed) + " " + std::to_string(effect.crashed_before) + " " +
                std::to_string(effect.crashed_after) + "\n";
    text += "what the world did:\n";
    for (const auto& [name, count] : events) text += line(name, count);
    text += "what the service and the disks did:\n";
    for (const auto& [name, count] : faults) text += line(name, count);
    return text;
}

}  // namespace devkey::sim
