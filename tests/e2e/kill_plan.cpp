#include "e2e/kill_plan.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>

namespace devkey::e2e {
namespace {

using Record = std::vector<Call>;

bool counts(const Call& call, const std::string& syscall, const std::string& path) {
    return call.name == syscall && (path.empty() || std::ranges::find(call.paths, path) != call.paths.end());
}

/// How strace will count the call with this -P; none if another thread came to that number before.
std::optional<std::size_t> count_to(const Record& record, std::size_t index, const std::string& path) {
    std::map<int, std::size_t> counted;
    for (std::size_t at = 0; at <= index; ++at)
        if (counts(record[at], record[index].name, path)) ++counted[record[at].thread];
    const auto when = counted[record[index].thread];
    const auto first = [&](const auto& entry) {
        return entry.second < when || entry.first == record[index].thread;
    };
    return std::ranges::all_of(counted, first) ? std::optional(when) : std::nullopt;
}

std::optional<Aim> aim_at(const Record& record, std::size_t index) {
    const Call& call = record[index];
    std::vector<std::string> paths = call.paths;
    std::erase(paths, "socket");  // no path, and its number is another in every run
    paths.emplace_back();
    for (const auto& path : paths) {
        const auto when = count_to(record, index, path);
        if (!when) continue;
        const auto what = call.what();
        const auto end = record.begin() + static_cast<std::ptrdiff_t>(index) + 1;
        const auto same = [&](const Call& other) { return other.what() == what; };
        return Aim{.call = index,
                   .moment = 0,
                   .syscall = call.name,
                   .path = path,
                   .when = *when,
                   .what = what,
                   .ordinal = static_cast<std::size_t>(std::count_if(record.begin(), end, same))};
    }
    return std::nullopt;
}

std::size_t first_write_of_state(const Record& record) {
    const auto writes = [](const Call& call) {
        return call.changes_the_world() &&
               std::ranges::any_of(call.paths, [](const auto& path) { return path.contains("state.json"); });
    };
    const auto first = std::ranges::find_if(record, writes);
    if (first == record.end()) throw std::runtime_error("the recorded run never wrote its state");
    return static_cast<std::size_t>(first - record.begin());
}

/// At most so many of them, evenly.
std::vector<Aim> spread(const std::vector<Aim>& aims, std::size_t limit) {
    const auto room = std::min(limit, aims.size());
    std::vector<Aim> some;
    for (std::size_t at = 0; at < room; ++at) some.push_back(aims[at * aims.size() / room]);
    return some;
}

}  // namespace

std::string Aim::name() const {
    return what + " #" + std::to_string(ordinal);
}

bool is_same_kill(const Aim& one, const Aim& other) {
    return one.name() == other.name() && one.syscall == other.syscall && one.path == other.path &&
           one.when == other.when;
}

Plan plan_kills(const Record& record) {
    Plan plan;
    std::size_t moment = 0;
    bool hit = false;
    for (auto index = first_write_of_state(record); index < record.size(); ++index) {
        const Call& call = record[index];
        if (!call.is_about_the_world()) continue;
        if (auto aim = aim_at(record, index)) {
            aim->moment = moment;
            plan.aims.push_back(*std::move(aim));
            hit = true;
        } else {
            plan.unaimed.push_back(call.what());
        }
        if (!call.changes_the_world()) continue;
        if (!hit) plan.unhit.push_back(call.what());
        ++moment;
        hit = false;
    }
    return plan;
}

std::vector<Aim> choose(const std::vector<Aim>& aims, std::size_t limit) {
    std::vector<Aim> chosen;
    std::vector<Aim> others;
    for (std::size_t at = 0; at < aims.size(); ++at) {
        // The last of its moment is the change itself, where that can be aimed at.
        const bool last = at + 1 == aims.size() || aims[at + 1].moment != aims[at].moment;
        (last ? chosen : others).push_back(aims[at]);
    }
    if (chosen.size() > limit) return spread(chosen, limit);
    std::ranges::copy(spread(others, limit - chosen.size()), std::back_inserter(chosen));
    std::ranges::sort(chosen, {}, &Aim::call);
    return chosen;
}

bool ends_at(const Record& record, const Aim& aim) {
    std::size_t seen = 0;
    const Call* last = nullptr;
    for (const auto& call : record) {
        if (call.what() != aim.what) continue;
        ++seen;
        last = &call;
    }
    return seen == aim.ordinal && last != nullptr && !last->returned();
}

}  // namespace devkey::e2e
