#include "engine/steps.hpp"

#include <algorithm>
#include <map>
#include <ranges>
#include <utility>

#include "core/key_name.hpp"
#include "core/planner.hpp"

namespace devkey::engine {

using namespace core;

namespace {

constexpr std::size_t retired_names_kept = 40;  // more than any list can still show late, of ours and others
constexpr std::size_t holders_named = 5;

void pull_back(std::optional<Instant>& at, Instant now) {
    if (at) at = std::min(*at, now);
}

}  // namespace

void retire(State& state, const std::string& name) {
    state.retired.push_back(name);
    if (state.retired.size() > retired_names_kept) state.retired.erase(state.retired.begin());
}

void let_go(State& state, const std::string& name, std::uint32_t generation, Instant asked_at,
            const Capabilities& service) {
    state.intent.reset();
    if (!service.unique_names) return retire(state, name);
    state.intent.emplace();
    state.intent->name = name;
    state.intent->generation = generation;
    state.intent->sent_at = asked_at;
}

OldKey old_key(const Key& key) {
    return {.id = key.id,
            .name = key.name,
            .generation = key.generation,
            .superseded_at = std::nullopt,
            .disabled_at = std::nullopt,
            .echo_until = key.echo_until,
            .created_at = key.created_at,
            .secret = key.secret};
}

Result<void> take_back(State& state) {
    const OldKey* back = key_to_return_to(state);
    if (back == nullptr) return fail(ErrorKind::Corrupt, "the state has no earlier key with its secret");
    state.pending = PendingKey{.key = {.id = back->id,
                                       .name = back->name,
                                       .generation = back->generation,
                                       .secret = back->secret,
                                       .created_at = back->created_at,
                                       .echo_until = back->echo_until},
                               .stage = PendingKey::Stage::Returning,
                               .returns = true};
    state.superseded.erase(state.superseded.begin() + (back - state.superseded.data()));
    return {};
}

void supersede_current(State& state) {
    if (!state.current) return;
    const Key& old = state.current->key;
    if (state.current->standing == Standing::DeletedOutside)
        retire(state, old.name);
    else
        state.superseded.push_back(old_key(old));
    state.current.reset();
}

Key key_that_goes(const State& state, const std::string& id) {
    Key key;
    key.id = id;
    if (const auto old = std::ranges::find(state.superseded, id, &OldKey::id);
        old != state.superseded.end()) {
        key.name = old->name;
        key.generation = old->generation;
        key.secret = old->secret;
    } else if (const auto other = std::ranges::find(state.others, id, &OtherKey::id);
               other != state.others.end()) {
        key.name = other->name;
    }
    return key;
}

Key key_of(const Intent& intent) {
    Key key;
    key.id = intent.id;
    key.name = intent.name;
    key.generation = intent.generation;
    return key;
}

Key key_told_of(const std::optional<State>& state, const Decision& decision) {
    if (!state) return {};
    if (!decision.target.empty()) return key_that_goes(*state, decision.target);
    const bool may_be_a_create = decision.reason == Reason::StrayNotListed ||
                                 decision.reason == Reason::LateLandingPossible ||
                                 decision.reason == Reason::AnswerLost;
    if (may_be_a_create && state->intent && state->intent->stage != Intent::Stage::Unsent)
        return key_of(*state->intent);
    if (state->pending) return state->pending->key;
    return state->current ? state->current->key : Key{};
}

void name_key(ports::Event& event, const Key& key) {
    if (!key.name.empty()) event.fields.emplace_back("key_name", key.name);
    if (!key.id.empty()) event.fields.emplace_back("key_id", key.id);
    if (key.generation != 0) event.fields.emplace_back("generation", std::to_string(key.generation));
}

std::string holders_of(const std::vector<ListedKey>& keys) {
    std::map<std::string, std::size_t> devices;
    std::size_t strangers = 0;
    for (const auto& key : keys)
        if (const auto name = parse_key_name(key.name))
            ++devices[name->device];
        else
            ++strangers;
    // Who holds most can give most.
    std::vector<std::pair<std::size_t, std::string>> holders;
    for (const auto& [device, count] : devices) holders.emplace_back(count, device);
    std::ranges::sort(holders, [](const auto& one, const auto& other) {
        return one.first != other.first ? one.first > other.first : one.second < other.second;
    });
    std::string text;
    for (const auto& [count, device] : holders | std::views::take(holders_named))
        text += (text.empty() ? "" : ", ") + std::to_string(count) + " of device " + device;
    if (holders.size() > holders_named)
        text += " and " + std::to_string(holders.size() - holders_named) + " devices more";
    if (strangers > 0)
        text += (text.empty() ? "" : ", ") + std::to_string(strangers) + " not made by devkeyd";
    return text;
}

std::unexpected<Error> too_young() {
    return fail(ErrorKind::TooEarly, "reads lag; it is asked again soon");
}

void mend_times_in(State& state, Instant now, const Capabilities& service) {
    const Instant latest_echo = now + service.late_landing;
    state.last_seen = std::min(state.last_seen, now);
    if (state.current) {
        state.current->key.created_at = std::min(state.current->key.created_at, now);
        pull_back(state.current->key.echo_until, latest_echo);
        pull_back(state.current->published_at, now);
        pull_back(state.current->logged_in_at, now);
        pull_back(state.current->listed_at, now);
        pull_back(state.current->unsure_until, now);
        pull_back(state.current->acknowledged_at, now);
        pull_back(state.current->returned_at, now);
    }
    // The grace can't begin before the successor is published.
    const bool grace_runs = state.current && state.current->published_at;
    for (auto& key : state.superseded) {
        if (grace_runs) key.superseded_at = key.superseded_at.value_or(now);
        pull_back(key.superseded_at, now);
        pull_back(key.disabled_at, now);
        pull_back(key.echo_until, latest_echo);
        pull_back(key.unsure_until, latest_echo);
        key.created_at = std::min(key.created_at, now);
    }
    if (state.pause) pull_back(state.pause->until, now + longest_pause);
    for (auto& key : state.others) key.seen_at = std::min(key.seen_at, now);
    pull_back(state.decommissioned_at, now);
}

}  // namespace devkey::engine
