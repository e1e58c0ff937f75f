// The rules about the state, and about new keys.
#include "core/leaving.hpp"
#include "core/rules.hpp"

namespace devkey::core::rule {
namespace {

/// How often a state is looked for on a disk that refuses to read it.
constexpr Millis state_look = std::chrono::minutes{1};

const Intent* intent_at(const Observation& seen, Intent::Stage stage) {
    const bool open = seen.state && seen.state->intent && seen.state->intent->stage == stage;
    return open ? &*seen.state->intent : nullptr;
}

Reason reason_of(const std::optional<CredentialSight>& sight) {
    if (sight == CredentialSight::Missing) return Reason::CredentialFileMissing;
    if (sight == CredentialSight::Altered) return Reason::CredentialFileAltered;
    if (sight == CredentialSight::Loosened) return Reason::CredentialFileLoosened;
    return Reason::CredentialFileUnreadable;
}

bool keep_failing(const Observation& seen) {
    return seen.state && seen.state->refused_keys >= most_refused_keys && !seen.asked.another_key;
}

/// Whether a new key is needed and may be asked for.
bool wants_a_key(const Policy& policy, const Observation& seen) {
    return nothing_is_half_done(seen) && !keep_failing(seen) && need_of_a_key(policy, seen);
}

}  // namespace

bool nothing_is_half_done(const Observation& seen) {
    if (!seen.state) return true;
    const State& state = *seen.state;
    const bool settled = !state.intent || state.intent->stage == Intent::Stage::Unsent;
    const bool published = !state.current || state.current->published_at;
    return settled && !state.pending && published;
}

Answer state_is_readable(const Policy& /*policy*/, const Observation& seen) {
    if (!seen.state_error) return std::nullopt;
    const auto& [kind, message, retry_after] = *seen.state_error;
    if (kind == ErrorKind::Forbidden || kind == ErrorKind::Insecure)
        return hold(Reason::NotPermitted, message);
    if (kind != ErrorKind::Io) return hold(Reason::StateUnreadable, message);
    auto held = hold(Reason::DiskRefuses, message);
    held->again = seen.boot_now + state_look;
    return held;
}

Answer machine_is_the_same(const Policy& /*policy*/, const Observation& seen) {
    const bool unknown = !seen.state || seen.state->machine.empty() || seen.machine.empty();
    if (unknown || seen.state->machine == seen.machine) return std::nullopt;
    return hold(
        Reason::CloneSuspected,
        "the state was made on another machine; if this one took its place, keep it switched off or move the "
        "state directory aside to start as a new installation");
}

Answer identity_is_the_same(const Policy& policy, const Observation& seen) {
    auto change = change_of_identity(seen);
    if (change.empty()) return std::nullopt;
    if (auto leaves = leaves_under_another_identity(policy, seen)) return leaves;
    if (is_leaving(seen))
        change += "; " + words_of_keys_left(keys_left(policy, *seen.state)) +
                  "; they go when the setting returns, and devkeyd --recommission leaves them behind";
    return hold(Reason::IdentityChanged, std::move(change));
}

Answer credential_file_is_whole(const Policy& policy, const Observation& seen) {
    if (settled_key(seen) == nullptr || seen.credential_file == CredentialSight::Matches) return std::nullopt;
    // It may be we who removed it, though the state that says so couldn't be saved.
    if (seen.asked.request == Request::Decommission) return std::nullopt;
    const Reason reason = reason_of(seen.credential_file);
    if (policy.watchdog.credential_file) return act(Action::Repair, reason);
    return act(Action::Idle, reason, "watchdog.credential_file is false: it is left as it is");
}

Answer state_can_be_saved(const Policy& /*policy*/, const Observation& seen) {
    if (!seen.state_unsaved) return std::nullopt;
    return act(Action::TrialSave, Reason::StateNotSaved);
}

Answer new_key_logs_in(const Policy& policy, const Observation& seen) {
    if (!seen.state || !seen.state->pending) return std::nullopt;
    const PendingKey& pending = *seen.state->pending;
    if (pending.stage == PendingKey::Stage::Returning)
        return act(Action::RollBack, Reason::KeyReturns, pending.key.name);
    if (pending.stage == PendingKey::Stage::Refused)
        return act(Action::DropRefused, Reason::NewKeyRefused, pending.key.name);
    if (pending_key_is_proven(seen))
        return act(Action::Publish, pending.returns ? Reason::KeyReturns : Reason::NewKeyProven,
                   pending.key.name);
    if (!seen.proof) return act(Action::Verify, Reason::NewKeyUnproven, pending.key.name);
    // Only a refusal that came when patience was over counts: an hour without a network is not the key's
    // fault.
    if (seen.proof->last - seen.proof->since >= policy.verify_patience)
        return act(Action::DropRefused, Reason::NewKeyRefused, pending.key.name);
    if (seen.boot_now < seen.proof->next)
        return wait_until(seen.proof->next, Reason::NewKeyNotAcceptedYet, pending.key.name);
    return act(Action::Verify, Reason::NewKeyNotAcceptedYet, pending.key.name);
}

Answer current_key_is_published(const Policy& /*policy*/, const Observation& seen) {
    if (!seen.state || !seen.state->current || seen.state->current->published_at) return std::nullopt;
    return act(Action::Publish, Reason::NotPublished, seen.state->current->key.name);
}

Answer stray_is_removed(const Policy& /*policy*/, const Observation& seen) {
    const Intent* intent = intent_at(seen, Intent::Stage::Found);
    return intent == nullptr ? std::nullopt : act(Action::RemoveStray, Reason::StrayFound, intent->name);
}

Answer stray_is_found(const Policy& /*policy*/, const Observation& seen) {
    const Intent* intent = intent_at(seen, Intent::Stage::Landed);
    if (intent == nullptr) return std::nullopt;
    if (seen.search && seen.boot_now < seen.search->next)
        return wait_until(seen.search->next, Reason::StrayNotListed, intent->name);
    return act(Action::FindStray, Reason::NameTaken, intent->name);
}

Answer unanswered_create_is_settled(const Policy& /*policy*/, const Observation& seen) {
    const Intent* intent = intent_at(seen, Intent::Stage::Sent);
    if (intent == nullptr) return std::nullopt;
    // Unique names are a fence: the same name again can't make a second key, and tells which came first.
    // A device that leaves makes none for that: it looks until none can land any more.
    if (seen.capabilities.unique_names && !is_leaving(seen))
        return act(Action::Create, Reason::CreateUnanswered, intent->name);
    if (seen.search && seen.boot_now < seen.search->next)
        return wait_until(seen.search->next, Reason::LateLandingPossible, intent->name);
    return act(Action::FindStray, Reason::LateLandingPossible, intent->name);
}

Answer no_twin_is_seen(const Policy& policy, const Observation& seen) {
    if (!seen.state || !seen.state->twin) return std::nullopt;
    auto held =
        hold(Reason::CloneSuspected,
             "key '" + *seen.state->twin +
                 "' has this installation's tag but was not made here: another device "
                 "runs with a copy of this state, or the state is an old backup; a key that no device "
                 "uses has to be removed by hand");
    // Our key is still looked after; nothing is changed anywhere.
    return hold_but_for(*std::move(held), {refused_key_is_looked_up, key_logs_in, key_is_listed}, policy,
                        seen);
}

Answer new_keys_do_not_keep_failing(const Policy& policy, const Observation& seen) {
    if (!keep_failing(seen) || !nothing_is_half_done(seen) || !need_of_a_key(policy, seen))
        return std::nullopt;
    constexpr const char* remedy =
        "see whether the service's api-key provider works, then send SIGHUP or run --once";
    // The device that still has its old key goes on looking after it.
    return act(seen.state->current ? Action::Idle : Action::Hold, Reason::NewKeysKeepFailing, remedy);
}

Answer service_is_asked_first(const Policy& policy, const Observation& seen) {
    if (seen.listed || !wants_a_key(policy, seen)) return std::nullopt;
    return act(Action::AskService, *need_of_a_key(policy, seen));
}

Answer key_is_created(const Policy& policy, const Observation& seen) {
    if (!seen.listed || !wants_a_key(policy, seen)) return std::nullopt;
    const Reason need = *need_of_a_key(policy, seen);
    return act(Action::Create, need == Reason::NoKeyYet ? Reason::CreateKey : need);
}

}  // namespace devkey::core::rule
