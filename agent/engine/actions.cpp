// What each action does. The order of effects in here is what keeps the promises: read it with a crash in
// mind.
#include <algorithm>
#include <chrono>
#include <utility>

#include "core/back_off.hpp"
#include "core/key_name.hpp"
#include "engine/reconciler.hpp"
#include "engine/steps.hpp"

namespace devkey::engine {

using namespace core;
using namespace std::chrono_literals;

namespace {

/// The wait between tries of something that services let lag: 1, 2, 4, 5 seconds; then a quarter of what was
/// waited, and a minute at most.
Millis next_step(Millis waited) {
    return std::clamp<Millis>(std::max<Millis>(std::min<Millis>(waited, 5s), waited / 4), 1s, 1min);
}

void note_try(std::optional<Patience>& patience, BootInstant now) {
    if (!patience) patience = Patience{.since = now, .last = now, .next = now};
    patience->last = now;
    patience->next = now + next_step(now - patience->since);
}

std::unexpected<Error> because(const Error& error) {
    return std::unexpected(error);
}

}  // namespace

Reconciler::Done Reconciler::apply(const Decision& decision) {
    switch (decision.action) {
        case Action::TrialSave:
            return trial_save();
        case Action::Repair:
            return repair();
        case Action::Publish:
            return publish();
        case Action::Verify:
            return verify();
        case Action::DropRefused:
            return drop_refused();
        case Action::AskService:
            return ask_service();
        case Action::Create:
            return create();
        case Action::FindStray:
            return find_stray();
        case Action::RemoveStray:
            return remove_stray();
        default:
            return apply_to_keys(decision);
    }
}

Reconciler::Done Reconciler::save(State next) {
    if (const auto known = time(); known.trust == ClockTrust::Server) next.last_seen = known.now;
    if (next.machine.empty()) next.machine = setup_.machine;  // it had no id until now
    auto saved = world_.store.save(next);
    seen_.state_unsaved = !saved;
    if (!saved) return because(saved.error());
    seen_.state = std::move(next);
    return {};
}

Reconciler::Done Reconciler::trial_save() {
    return save(known_state());
}

Reconciler::Done Reconciler::repair() {
    if (auto written = world_.sink.publish(credential()); !written) return because(written.error());
    changed_ = true;
    tell_of("credential-restored", "the credential file was written anew from the state",
            seen_.state->current->key);
    return {};
}

Reconciler::Done Reconciler::make_current() {
    // Good for one try: a disk that refuses may do so for days, and the key may be gone by then.
    const Instant proven_at = std::exchange(seen_.proven, std::nullopt)->at;
    State next = *seen_.state;
    const bool returns = next.pending->returns;
    const auto before = next.current;
    // The device's program couldn't do anything until now: it gets its chance to beat.
    if (!next.current) seen_.started = world_.clock.boot_now();
    supersede_current(next);
    next.current = CurrentKey{.key = next.pending->key,
                              .published_at = std::nullopt,
                              .logged_in_at = proven_at,
                              .listed_at = proven_at};
    if (returns) {
        next.current->returned_at = time().now;
        // Reads may still show it as it was.
        next.current->unsure_until = time().now + world_.service.capabilities().read_lag;
    }
    next.pending.reset();
    next.refused_keys = 0;
    if (auto saved = save(std::move(next)); !saved) return saved;
    // It was the old key that was refused.
    forget_refusal();
    seen_.failures.erase(Action::RunHook);
    if (returns && before && seen_.asked.request != Request::Rollback)
        tell_of_rollback(*before, seen_.state->current->key);
    return {};
}

Reconciler::Done Reconciler::publish() {
    if (pending_key_is_proven(seen_))
        if (auto made = make_current(); !made) return made;
    // Also where it is seen to hold the key: a process that died may not have brought that to disk.
    if (auto written = world_.sink.publish(credential()); !written) return because(written.error());
    changed_ = true;
    State next = *seen_.state;
    const auto published = time();
    next.current->published_at = published.now;
    // The grace runs from a time that is known: else a rule asks for it.
    if (published.trust == ClockTrust::Server)
        for (auto& old : next.superseded) old.superseded_at = old.superseded_at.value_or(published.now);
    if (auto saved = save(std::move(next)); !saved) return saved;
    seen_.asked.rotation = false;
    tell_of("credential-published",
            seen_.state->current->returned_at ? "the credential file holds the earlier key again"
                                              : "the credential file holds the new key",
            seen_.state->current->key);
    return {};
}

Reconciler::Done Reconciler::verify() {
    const Key& key = seen_.state->pending->key;
    const auto owner = world_.service.prove(key.secret);
    const bool refused =
        owner ? *owner != seen_.state->owner_id : owner.error().kind == ErrorKind::Unauthenticated;
    if (refused) {
        note_try(seen_.proof, world_.clock.boot_now());
        seen_.proof->next =
            std::min(seen_.proof->next,
                     std::max(seen_.proof->since + setup_.policy.verify_patience, seen_.proof->last));
        return {};
    }
    if (!owner) return because(owner.error());
    seen_.proof.reset();
    seen_.proven = {.id = key.id, .at = time().now};
    tell_of("key-verified",
            seen_.state->pending->returns ? "the earlier key logs in again" : "the new key logs in", key);
    return {};
}

Reconciler::Done Reconciler::drop_refused() {
    if (seen_.state->pending->returns) return drop_returning();
    const Key key = seen_.state->pending->key;
    if (seen_.state->pending->stage != PendingKey::Stage::Refused) {
        // Written down first: a removal that is on its way must never meet a key that was published since.
        State next = *seen_.state;
        next.pending->stage = PendingKey::Stage::Refused;
        if (auto saved = save(std::move(next)); !saved) return saved;
    }
    if (auto in = log_in_as_owner(); !in) return in;
    // Only for the report: the removal doesn't rest on it, since a get may lag.
    const auto listed = world_.service.get(key.id);
    if (auto removed = world_.service.remove(key.id); !removed) return because(removed.error());
    changed_ = true;
    count_slot(false);
    State next = *seen_.state;
    let_go(next, key.name, key.generation, key.created_at, world_.service.capabilities());
    next.pending.reset();
    ++next.refused_keys;
    if (auto saved = save(std::move(next)); !saved) return saved;
    seen_.proof.reset();
    seen_.asked.another_key = false;
    const Error wait{ErrorKind::Unavailable, "the new key " + key.name + " never logged in" +
                                                 (listed ? "" : ", and the service didn't know its id") +
                                                 ": it was removed; is the api-key provider switched on?"};
    Failure& failure = seen_.failures[Action::Create];
    failure = {
        .reason = Reason::NewKeyRefused, .message = wait.message, .count = failure.count + 1, .retry_at = {}};
    set_wait(failure, std::max<Millis>(30s, back_off(wait, failure.count, key.name)));
    seen_.failures[Action::AskService] = failure;
    tell_of("key-dropped", wait.message, key);
    return {};
}

Reconciler::Done Reconciler::log_in_as_owner() {
    auto owner = world_.service.log_in();
    if (!owner) return because(owner.error());
    seen_.owner_id = *std::move(owner);
    // Under another owner an id would be "not found", and a stray forgotten: the rules see seen_.owner_id and
    // hold.
    const bool other =
        seen_.state && !seen_.state->owner_id.empty() && seen_.state->owner_id != *seen_.owner_id;
    if (other) return fail(ErrorKind::InvalidInput, "the log-in answered another owner than the state's");
    return {};
}

Reconciler::Done Reconciler::ask_service() {
    if (auto in = log_in_as_owner(); !in) return in;
    if (auto listed = list(); !listed) return listed;
    const auto limit = world_.service.capabilities().keys_per_owner;
    const std::size_t headroom = may_wait_for_headroom() ? 1 : 0;
    const std::size_t taken = seen_.listed->size();
    if (limit == 0 || taken + headroom < limit) {
        // The key that is made next counts, too: who takes the last but one slot gives it back soon.
        note_room(taken + 1);
        return {};
    }
    const char* remedy = taken < limit ? "): the last free one is left for now to a device that has none"
                                       : "): remove one that isn't needed";
    auto full = fail(ErrorKind::LimitReached, "the owner has " + std::to_string(taken) + " of " +
                                                  std::to_string(limit) + " keys (" +
                                                  holders_of(*seen_.listed) + remedy);
    seen_.listed.reset();
    return full;
}

bool Reconciler::may_wait_for_headroom() const {
    if (latest_.reason != Reason::RotationDue) return false;
    const Millis age = time().now - seen_.state->current->key.created_at;
    return age < earliest_rotation(setup_.policy.rotate);
}

State Reconciler::known_state() const {
    return seen_.state ? *seen_.state : fresh_state();
}

State Reconciler::fresh_state() const {
    State fresh;
    fresh.identity = setup_.identity;
    fresh.machine = setup_.machine;
    fresh.installation = world_.entropy.tag(installation_length);
    return fresh;
}

Result<State> Reconciler::with_open_intent() const {
    State next = known_state();
    if (!next.intent) {
        const auto label =
            device_label(next.identity.device, setup_.key_prefix, world_.service.capabilities().longest_name);
        if (!label) return because(label.error());
        const KeyName name{.prefix = setup_.key_prefix,
                           .device = *label,
                           .installation = next.installation,
                           .generation = ++next.last_generation,
                           .nonce = world_.entropy.tag(nonce_length)};
        next.intent.emplace();
        next.intent->name = format(name);
        next.intent->generation = name.generation;
    }
    next.owner_id = *seen_.owner_id;
    next.intent->sent_at = time().now;
    next.intent->stage = Intent::Stage::Sent;
    return next;
}

Reconciler::Done Reconciler::create() {
    if (auto in = log_in_as_owner(); !in) return in;
    const auto before =
        seen_.state && seen_.state->intent ? seen_.state->intent->stage : Intent::Stage::Unsent;
    const bool asked_before = seen_.state && seen_.state->intent && seen_.state->intent->sent_at != Instant{};
    auto next = with_open_intent();
    if (!next) return because(next.error());
    if (seen_.listed) note_others(*next);
    if (auto saved = save(*std::move(next)); !saved) return saved;
    seen_.listed.reset();
    auto created = world_.service.create(seen_.state->intent->name);
    return created ? keep(*std::move(created), asked_before) : not_created(created.error(), before);
}

Reconciler::Done Reconciler::keep(ports::CreatedKey created, bool asked_before) {
    changed_ = true;
    count_slot(true);
    State next = *seen_.state;
    next.pending = PendingKey{.key = {.id = created.id,
                                      .name = next.intent->name,
                                      .generation = next.intent->generation,
                                      .secret = std::move(created.secret),
                                      .created_at = time().now}};
    if (asked_before) next.pending->key.echo_until = time().now + world_.service.capabilities().late_landing;
    next.intent.reset();
    const auto saved = save(next);
    if (!saved) return not_saved(*next.pending, saved.error());
    seen_.proof.reset();
    seen_.search.reset();
    tell_of("key-created", "the service made a new key", seen_.state->pending->key);
    return {};
}

Reconciler::Done Reconciler::not_saved(const PendingKey& made, const Error& error) {
    // A save that failed after its rename is undone by a power cut only. A successor uses what it reads: so
    // the key stays, and the save is tried again.
    if (auto found = world_.store.load(); found && *found && (*found)->pending == made) {
        seen_.state = *std::move(found);
        return because(error);
    }
    // Nobody would know this key after a crash: it goes at once. If that fails too, its name is in the
    // intent.
    const auto removed = world_.service.remove(made.key.id);
    return because(with_context(removed ? "the new key could not be saved and was removed again"
                                        : "the new key could not be saved, nor removed yet",
                                error));
}

Reconciler::Done Reconciler::not_created(const Error& error, Intent::Stage before) {
    State next = *seen_.state;
    const bool sent_before = before == Intent::Stage::Sent;
    // At the limit a service may refuse before it looks at the name: the list knows.
    const bool landed =
        error.kind == ErrorKind::Conflict || (error.kind == ErrorKind::LimitReached && sent_before);
    if (landed) {
        next.intent->stage = Intent::Stage::Landed;
        seen_.search.reset();
        if (auto saved = save(std::move(next)); !saved) return saved;
        // A failure, so that it is tried less and less often if no key of that name is ever listed.
        return because(error);
    }
    // A definite refusal settles this request, but says nothing of an earlier one that was never answered.
    if (error.kind != ErrorKind::OutcomeUnknown && !sent_before) {
        next.intent->stage = Intent::Stage::Unsent;
        if (auto saved = save(std::move(next)); !saved) return saved;
    }
    return because(error);
}

Reconciler::Done Reconciler::find_stray() {
    if (auto in = log_in_as_owner(); !in) return in;
    const auto keys = world_.service.list();
    if (!keys) return because(keys.error());
    const auto stray = std::ranges::find(*keys, seen_.state->intent->name, &ListedKey::name);
    if (stray == keys->end()) return stray_not_listed();
    State next = *seen_.state;
    next.intent->stage = Intent::Stage::Found;
    next.intent->id = stray->id;
    if (auto saved = save(std::move(next)); !saved) return saved;
    seen_.search.reset();
    return {};
}

Reconciler::Done Reconciler::stray_not_listed() {
    const auto& can = world_.service.capabilities();
    note_try(seen_.search, world_.clock.boot_now());
    const bool asks_by_name = can.unique_names && !seen_.state->decommissioned_at;
    const Millis patience = asks_by_name ? can.read_lag : can.late_landing + can.read_lag;
    if (seen_.search->last - seen_.search->since < patience) return {};
    State next = *seen_.state;
    if (asks_by_name) {
        // Somebody else may have removed it: the same name, sent again, tells.
        next.intent->stage = Intent::Stage::Sent;
        if (!seen_.failures.contains(Action::Create))  // a restart forgot why
            note_failure(Action::Create,
                         {ErrorKind::Unavailable, "'" + next.intent->name + "' is taken but not listed"});
    } else {
        // Its time to land is over, counted in boot time from our first look: it never will.
        retire(next, next.intent->name);
        next.intent.reset();
    }
    if (auto saved = save(std::move(next)); !saved) return saved;
    seen_.search.reset();
    return {};
}

Reconciler::Done Reconciler::remove_stray() {
    const Key stray = key_of(*seen_.state->intent);
    if (auto in = log_in_as_owner(); !in) return in;
    const bool published = seen_.state->current && seen_.state->current->key.id == stray.id;
    if (published)
        return fail(ErrorKind::Corrupt,
                    "the stray '" + stray.name + "' has the published key's id: it is not removed");
    if (auto removed = world_.service.remove(stray.id); !removed) return because(removed.error());
    changed_ = true;
    count_slot(false);
    State next = *seen_.state;
    let_go(next, stray.name, stray.generation, seen_.state->intent->sent_at, world_.service.capabilities());
    if (auto saved = save(std::move(next)); !saved) return saved;
    seen_.failures.erase(Action::Create);  // what stood in its way is gone
    tell_of("stray-removed", "the key whose secret was lost is removed", stray);
    return {};
}

Credential Reconciler::credential() const {
    return {.identity = seen_.state->identity, .key = seen_.state->current->key};
}

}  // namespace devkey::engine
