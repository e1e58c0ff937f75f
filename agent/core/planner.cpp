#include "core/planner.hpp"

#include <algorithm>
#include <array>

#include "core/key_name.hpp"

namespace devkey::core {
namespace {

using Answer = std::optional<Decision>;

Answer act(Action action, Reason reason, std::string detail = {}) {
    return Decision{action, reason, std::move(detail), std::nullopt};
}

Answer wait_until(BootInstant again, Reason reason, std::string detail = {}) {
    return Decision{Action::Idle, reason, std::move(detail), again};
}

Answer hold(Reason reason, std::string detail) {
    return act(Action::Hold, reason, std::move(detail));
}

const Intent* intent_at(const Observation& seen, Intent::Stage stage) {
    const bool open = seen.state && seen.state->intent && seen.state->intent->stage == stage;
    return open ? &*seen.state->intent : nullptr;
}

Answer state_is_readable(const Policy&, const Observation& seen) {
    if (!seen.state_error) return std::nullopt;
    return hold(Reason::StateUnreadable, seen.state_error->message);
}

Answer machine_is_the_same(const Policy&, const Observation& seen) {
    const bool unknown = !seen.state || seen.state->machine.empty() || seen.machine.empty();
    if (unknown || seen.state->machine == seen.machine) return std::nullopt;
    return hold(
        Reason::CloneSuspected,
        "the state was made on another machine; if this one took its place, keep it switched off or move the "
        "state directory aside to start as a new installation");
}

std::string difference(std::string_view what, const std::string& now, const std::string& then) {
    return std::string(what) + " is now '" + now + "', the state belongs to '" + then + "'";
}

Answer identity_is_the_same(const Policy&, const Observation& seen) {
    if (!seen.state) return std::nullopt;
    const Identity& now = seen.identity;
    const Identity& then = seen.state->identity;
    if (now.service != then.service)
        return hold(Reason::IdentityChanged, difference("service.url", now.service, then.service));
    if (now.app != then.app)
        return hold(Reason::IdentityChanged, difference("service.app", now.app, then.app));
    if (now.owner != then.owner)
        return hold(Reason::IdentityChanged, difference("owner", now.owner, then.owner));
    if (now.device != then.device)
        return hold(Reason::IdentityChanged, difference("device.id", now.device, then.device));
    const bool other_owner =
        seen.owner_id && !seen.state->owner_id.empty() && *seen.owner_id != seen.state->owner_id;
    if (!other_owner) return std::nullopt;
    return hold(Reason::IdentityChanged,
                difference("the service's id of the owner", *seen.owner_id, seen.state->owner_id));
}

Answer credential_file_is_whole(const Policy& policy, const Observation& seen) {
    const bool published = seen.state && seen.state->current && seen.state->current->published_at;
    if (!published || !policy.watch_credential_file) return std::nullopt;
    if (!seen.credential_file) return act(Action::Repair, Reason::CredentialFileUnreadable);
    switch (*seen.credential_file) {
        case CredentialSight::Matches:
            return std::nullopt;
        case CredentialSight::Missing:
            return act(Action::Repair, Reason::CredentialFileMissing);
        case CredentialSight::Altered:
            return act(Action::Repair, Reason::CredentialFileAltered);
        case CredentialSight::Loosened:
            return act(Action::Repair, Reason::CredentialFileLoosened);
    }
    return std::nullopt;
}

Answer state_can_be_saved(const Policy&, const Observation& seen) {
    if (!seen.state_unsaved) return std::nullopt;
    return act(Action::TrialSave, Reason::StateNotSaved);
}

Answer new_key_logs_in(const Policy& policy, const Observation& seen) {
    if (!seen.state || !seen.state->pending) return std::nullopt;
    const PendingKey& pending = *seen.state->pending;
    if (pending.stage == PendingKey::Stage::Verified)
        return act(Action::Publish, Reason::NewKeyProven, pending.key.name);
    if (!seen.proof) return act(Action::Verify, Reason::NewKeyUnproven, pending.key.name);
    // Only a refusal that came when patience was over counts: an hour without a network is not the key's
    // fault.
    if (seen.proof->last - seen.proof->since >= policy.verify_patience)
        return act(Action::DropRefused, Reason::NewKeyRefused, pending.key.name);
    if (seen.boot_now < seen.proof->next)
        return wait_until(seen.proof->next, Reason::NewKeyNotAcceptedYet, pending.key.name);
    return act(Action::Verify, Reason::NewKeyNotAcceptedYet, pending.key.name);
}

Answer current_key_is_published(const Policy&, const Observation& seen) {
    if (!seen.state || !seen.state->current || seen.state->current->published_at) return std::nullopt;
    return act(Action::Publish, Reason::NotPublished, seen.state->current->key.name);
}

Answer stray_is_removed(const Policy&, const Observation& seen) {
    const Intent* intent = intent_at(seen, Intent::Stage::Found);
    return intent == nullptr ? std::nullopt : act(Action::RemoveStray, Reason::StrayFound, intent->name);
}

Answer stray_is_found(const Policy&, const Observation& seen) {
    const Intent* intent = intent_at(seen, Intent::Stage::Landed);
    if (intent == nullptr) return std::nullopt;
    if (seen.search && seen.boot_now < seen.search->next)
        return wait_until(seen.search->next, Reason::StrayNotListed, intent->name);
    return act(Action::FindStray, Reason::NameTaken, intent->name);
}

Answer unanswered_create_is_settled(const Policy&, const Observation& seen) {
    const Intent* intent = intent_at(seen, Intent::Stage::Sent);
    if (intent == nullptr) return std::nullopt;
    // Unique names are a fence: the same name again can't make a second key, and tells which came first.
    if (seen.capabilities.unique_names) return act(Action::Create, Reason::CreateUnanswered, intent->name);
    if (seen.search && seen.boot_now < seen.search->next)
        return wait_until(seen.search->next, Reason::LateLandingPossible, intent->name);
    return act(Action::FindStray, Reason::LateLandingPossible, intent->name);
}

Answer current_key_is_kept(const Policy&, const Observation& seen) {
    if (!seen.state || !seen.state->current) return std::nullopt;
    return act(Action::Idle, Reason::Healthy, seen.state->current->key.name);
}

Answer new_keys_do_not_keep_failing(const Policy&, const Observation& seen) {
    if (!seen.state || seen.state->refused_keys < most_refused_keys || seen.another_asked_for)
        return std::nullopt;
    return hold(Reason::NewKeysKeepFailing,
                "see whether the service's api-key provider works, then send SIGHUP or run --once");
}

Answer service_is_asked_first(const Policy&, const Observation& seen) {
    return seen.listed ? std::nullopt : act(Action::AskService, Reason::NoKeyYet);
}

Answer no_twin_is_seen(const Policy&, const Observation& seen) {
    if (!seen.state || !seen.listed) return std::nullopt;
    for (const ListedKey& key : *seen.listed) {
        const auto name = parse_key_name(key.name);
        if (!name || name->installation != seen.state->installation || is_recorded(*seen.state, key.name))
            continue;
        return hold(Reason::CloneSuspected,
                    "key '" + key.name +
                        "' has this installation's tag but was not made here: another device "
                        "runs with a copy of this state, or the state is an old backup");
    }
    return std::nullopt;
}

Answer key_is_created(const Policy&, const Observation&) {
    return act(Action::Create, Reason::CreateKey);
}

constexpr std::array all_rules{
    Rule{"state-is-readable", state_is_readable},
    Rule{"machine-is-the-same", machine_is_the_same},
    Rule{"identity-is-the-same", identity_is_the_same},
    Rule{"credential-file-is-whole", credential_file_is_whole},
    Rule{"state-can-be-saved", state_can_be_saved},
    Rule{"new-key-logs-in", new_key_logs_in},
    Rule{"current-key-is-published", current_key_is_published},
    Rule{"stray-is-removed", stray_is_removed},
    Rule{"stray-is-found", stray_is_found},
    Rule{"unanswered-create-is-settled", unanswered_create_is_settled},
    Rule{"current-key-is-kept", current_key_is_kept},
    Rule{"new-keys-do-not-keep-failing", new_keys_do_not_keep_failing},
    Rule{"service-is-asked-first", service_is_asked_first},
    Rule{"no-twin-is-seen", no_twin_is_seen},
    Rule{"key-is-created", key_is_created},
};

/// An action that failed lately has to wait; the wait has the failure's reason.
Decision not_before_its_time(Decision decision, const Observation& seen) {
    const auto failure = seen.failures.find(decision.action);
    if (failure == seen.failures.end() || failure->second.retry_at <= seen.boot_now) return decision;
    return {Action::Idle, failure->second.reason, failure->second.message, failure->second.retry_at};
}

}  // namespace

std::span<const Rule> rules() {
    return all_rules;
}

Decision plan(const Policy& policy, const Observation& observation) {
    for (const Rule& rule : all_rules)
        if (auto decision = rule.decide(policy, observation))
            return not_before_its_time(*std::move(decision), observation);
    return {};
}

bool is_recorded(const State& state, std::string_view name) {
    return (state.intent && state.intent->name == name) ||
           (state.pending && state.pending->key.name == name) ||
           (state.current && state.current->key.name == name) ||
           std::ranges::find(state.retired, name) != state.retired.end();
}

}  // namespace devkey::core
