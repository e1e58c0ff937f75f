#include "core/planner.hpp"

#include <algorithm>
#include <array>

#include "core/hash.hpp"
#include "core/rules.hpp"

namespace devkey::core {
namespace rule {

Answer act(Action action, Reason reason, std::string detail, std::string target) {
    return Decision{
        .action = action, .reason = reason, .detail = std::move(detail), .target = std::move(target)};
}

Answer wait_until(BootInstant again, Reason reason, std::string detail, std::string target) {
    return Decision{.action = Action::Idle,
                    .reason = reason,
                    .detail = std::move(detail),
                    .again = again,
                    .target = std::move(target)};
}

Answer hold(Reason reason, std::string detail) {
    return act(Action::Hold, reason, std::move(detail));
}

Millis share_of(Millis whole, const Observation& seen, std::string_view what) {
    constexpr std::uint64_t shares = 1U << 20U;
    const auto share = stable_hash({seen.identity.device, "#", what}) % shares;
    return Millis{whole.count() / static_cast<Millis::rep>(shares) * static_cast<Millis::rep>(share) +
                  whole.count() % static_cast<Millis::rep>(shares) * static_cast<Millis::rep>(share) /
                      static_cast<Millis::rep>(shares)};
}

Answer act_on_trusted_time(const Observation& seen, Action action, Reason reason, std::string detail,
                           std::string target) {
    if (seen.time.trust != ClockTrust::Server) return act(Action::AskTime, reason, std::move(detail));
    return act(action, reason, std::move(detail), std::move(target));
}

Decision not_before_its_time(Decision decision, const Observation& seen) {
    for (const Task& task : {Task{decision.action, decision.target}, Task{decision.action}}) {
        const auto failure = seen.failures.find(task);
        if (failure == seen.failures.end() || failure->second.retry_at <= seen.boot_now) continue;
        return {.action = Action::Idle,
                .reason = failure->second.reason,
                .detail = failure->second.message,
                .again = failure->second.retry_at,
                .failures = failure->second.count,
                .target = decision.target,
                .rule = decision.rule};
    }
    return decision;
}

void add(Decision& waiting, Decision more) {
    const auto again = waiting.again && more.again ? std::min(*waiting.again, *more.again)
                       : more.again                ? *more.again
                                                   : waiting.again;
    if (waiting.reason == Reason::Healthy) waiting = std::move(more);
    waiting.again = again;
}

Answer best_of(std::vector<Answer> answers, const Observation& seen) {
    const auto tries = [&](const Decision& decision) {
        const auto found = seen.in_vain.find(decision.target);
        return found == seen.in_vain.end() ? 0 : found->second;
    };
    Answer first;
    Answer waiting;
    for (auto& answer : answers) {
        if (!answer) continue;
        auto decision = not_before_its_time(*std::move(answer), seen);
        if (decision.action == Action::Idle) {
            if (!waiting) waiting.emplace();
            add(*waiting, std::move(decision));
        } else if (!first || tries(decision) < tries(*first)) {
            first = std::move(decision);
        }
    }
    return first ? first : waiting;
}

Answer hold_but_for(Decision held, Rules rules, const Policy& policy, const Observation& seen) {
    for (const auto decide : rules) {
        auto answer = decide(policy, seen);
        if (!answer) continue;
        const auto decision = not_before_its_time(*std::move(answer), seen);
        if (decision.action != Action::Idle) return decision;
        if (decision.again && (!held.again || *decision.again < *held.again)) held.again = decision.again;
    }
    return held;
}

}  // namespace rule

namespace {

constexpr std::array all_rules{
    // Is what we know true, and ours?
    Rule{"state-is-readable", rule::state_is_readable},
    Rule{"decommissioned-device-rests", rule::decommissioned_device_rests},
    Rule{"machine-is-the-same", rule::machine_is_the_same},
    Rule{"identity-is-the-same", rule::identity_is_the_same},
    // What needs no service
    Rule{"credential-file-is-whole", rule::credential_file_is_whole},
    Rule{"state-can-be-saved", rule::state_can_be_saved},
    Rule{"decommission-is-begun", rule::decommission_is_begun},
    Rule{"said-is-noted", rule::said_is_noted},
    Rule{"times-are-plausible", rule::times_are_plausible},
    // What was begun is finished
    Rule{"new-key-logs-in", rule::new_key_logs_in},
    Rule{"current-key-is-published", rule::current_key_is_published},
    Rule{"leaked-keys-go", rule::leaked_keys_go},
    Rule{"programs-are-told", rule::programs_are_told},
    Rule{"stray-is-removed", rule::stray_is_removed},
    Rule{"stray-is-found", rule::stray_is_found},
    Rule{"unanswered-create-is-settled", rule::unanswered_create_is_settled},
    Rule{"decommissioned-keys-go", rule::decommissioned_keys_go},
    // What others did, and what a person allows meanwhile
    Rule{"no-twin-is-seen", rule::no_twin_is_seen},
    Rule{"pause-is-kept", rule::pause_is_kept},
    Rule{"refused-key-is-looked-up", rule::refused_key_is_looked_up},
    Rule{"key-is-switched-as-asked", rule::key_is_switched_as_asked},
    Rule{"outside-change-is-answered", rule::outside_change_is_answered},
    // What the policy, or a person, asks for
    Rule{"silence-is-answered", rule::silence_is_answered},
    Rule{"others-are-known", rule::others_are_known},
    Rule{"rollback-is-begun", rule::rollback_is_begun},
    Rule{"superseded-keys-go", rule::superseded_keys_go},
    Rule{"other-installations-go", rule::other_installations_go},
    Rule{"new-keys-do-not-keep-failing", rule::new_keys_do_not_keep_failing},
    Rule{"service-is-asked-first", rule::service_is_asked_first},
    Rule{"key-is-created", rule::key_is_created},
    // The schedule
    Rule{"key-logs-in", rule::key_logs_in},
    Rule{"key-is-listed", rule::key_is_listed},
    Rule{"time-is-known", rule::time_is_known},
    Rule{"rotation-is-awaited", rule::rotation_is_awaited},
};

/// Without a state that can be saved, nothing may be changed anywhere; nor before a device that was to leave,
/// or to come back, has done so: its keys may belong to another identity.
bool bars_all_else(Action action) {
    return action == Action::TrialSave || action == Action::Decommission || action == Action::Recommission;
}

std::string difference(std::string_view what, const std::string& now, const std::string& then) {
    return std::string(what) + " is now '" + now + "', the state belongs to '" + then + "'";
}

}  // namespace

std::span<const Rule> rules() {
    return all_rules;
}

Decision plan(const Policy& policy, const Observation& observation) {
    Decision waiting;
    for (const Rule& rule : all_rules) {
        auto answer = rule.decide(policy, observation);
        if (!answer) continue;
        answer->rule = rule.name;
        const bool bars = bars_all_else(answer->action);
        auto decision = rule::not_before_its_time(*std::move(answer), observation);
        if (decision.action != Action::Idle) return decision;
        rule::add(waiting, std::move(decision));
        if (bars) break;
    }
    return waiting;
}

std::string change_of_identity(const Observation& seen) {
    if (!seen.state) return {};
    const Identity& now = seen.identity;
    const Identity& then = seen.state->identity;
    if (now.service != then.service) return difference("service.url", now.service, then.service);
    if (now.app != then.app) return difference("service.app", now.app, then.app);
    if (now.owner != then.owner) return difference("owner", now.owner, then.owner);
    if (now.device != then.device) return difference("device.id", now.device, then.device);
    const std::string& owner_id = seen.state->owner_id;
    if (!seen.owner_id || owner_id.empty() || *seen.owner_id == owner_id) return {};
    return difference("the service's id of the owner", *seen.owner_id, owner_id);
}

bool is_recorded(const State& state, std::string_view name) {
    const auto has_name = [name](const auto& key) { return key.name == name; };
    return (state.intent && state.intent->name == name) ||
           (state.pending && state.pending->key.name == name) ||
           (state.current && state.current->key.name == name) ||
           std::ranges::any_of(state.superseded, has_name) ||
           std::ranges::find(state.retired, name) != state.retired.end();
}

bool pending_key_is_proven(const Observation& seen) {
    return seen.state && seen.state->pending && seen.proven && seen.proven->id == seen.state->pending->key.id;
}

const OldKey* key_to_return_to(const State& state) {
    const OldKey* latest = nullptr;
    for (const OldKey& key : state.superseded) {
        const bool may =
            !key.secret.empty() && state.current && key.generation < state.current->key.generation;
        if (may && (latest == nullptr || latest->generation < key.generation)) latest = &key;
    }
    return latest;
}

bool is_double(const State& state, const ListedKey& key) {
    // A list that lags shows a removed one.
    if (std::ranges::find(state.retired, key.name) != state.retired.end()) return false;
    if (state.current && state.current->key.name == key.name) return state.current->key.id != key.id;
    const auto old = std::ranges::find(state.superseded, key.name, &OldKey::name);
    return old != state.superseded.end() && old->id != key.id;
}

}  // namespace devkey::core
