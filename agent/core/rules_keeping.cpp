// The rules about keys that are there: the current one, superseded ones, and other installations'.
#include <algorithm>
#include <string>

#include "core/rules.hpp"

namespace devkey::core::rule {
namespace {

using namespace std::chrono_literals;

/// What came due while the agent didn't run is made up within this time, so that a power cut doesn't bring a
/// fleet all at once.
constexpr Millis longest_catch_up = 1h;
/// A device whose clock nobody vouches for asks for the time within this span from its start.
constexpr Millis time_look = 24h;

bool is_ahead(const std::optional<Instant>& at, Instant now) {
    return at && *at > now + clocks_differ;
}

bool any_time_is_wrong(const State& state, Instant now, Millis late_landing) {
    const auto& current = state.current;
    // The grace can't begin before the successor is published.
    const bool grace_runs = current && current->published_at;
    const bool wrong =
        current &&
        (is_ahead(current->key.created_at, now) || is_ahead(current->key.echo_until, now + late_landing) ||
         is_ahead(current->published_at, now) || is_ahead(current->logged_in_at, now) ||
         is_ahead(current->listed_at, now) || is_ahead(current->unsure_until, now) ||
         is_ahead(current->acknowledged_at, now) || is_ahead(current->returned_at, now));
    const bool pauses = state.pause && is_ahead(state.pause->until, now + longest_pause);
    return wrong || pauses || is_ahead(state.last_seen, now) || is_ahead(state.decommissioned_at, now) ||
           std::ranges::any_of(
               state.superseded,
               [=](const OldKey& key) {
                   return (!key.superseded_at && grace_runs) || is_ahead(key.superseded_at, now) ||
                          is_ahead(key.disabled_at, now) || is_ahead(key.echo_until, now + late_landing) ||
                          is_ahead(key.unsure_until, now + late_landing) || is_ahead(key.created_at, now);
               }) ||
           std::ranges::any_of(state.others,
                               [now](const OtherKey& key) { return is_ahead(key.seen_at, now); });
}

bool is_known(const Observation& seen) {
    return seen.time.trust == ClockTrust::Server;
}

/// A part of `span` from the start. Each start has another one, so that a device that is never on for long
/// gets its turn, too; and none is that of the jitter, by which devices would soon meet again.
BootInstant catch_up(Millis span, const Observation& seen, std::string_view what) {
    const auto start = std::to_string(seen.started.time_since_epoch().count());
    return seen.started + share_of(span, seen, std::string(what) + "#start" + start);
}

/// When a check is due that was last made at `last`. One that is overdue at the start (after a power cut or a
/// suspend, say) is made up once, spread over one interval, so that a fleet doesn't come all at once. So is
/// one that was made on a clock which has been set back since: nobody knows when that was.
BootInstant check_due(Millis every, const std::optional<Instant>& last, const Observation& seen,
                      std::string_view what) {
    if (last && !is_ahead(last, seen.time.now)) {
        const Millis since = std::max(seen.time.now - *last, Millis{0});
        const BootInstant due = seen.boot_now + (every - since);
        if (due > seen.started) return due;
    }
    return catch_up(every, seen, what);
}

Millis with_jitter(Millis whole, unsigned percent, const Observation& seen, std::string_view what) {
    return whole - share_of(whole / 100 * percent, seen, what);
}

/// In boot time, when it is the turn of what is due at `at`, in a life that goes by `period`.
BootInstant turn_of(Instant at, Millis period, const Observation& seen, std::string_view what) {
    const BootInstant due = seen.boot_now + (at - seen.time.now);
    if (due >= seen.started) return due;
    return catch_up(std::min(period / 24, longest_catch_up), seen, what);
}

/// Where many devices share an owner's slots, each rotation holds one for the grace: so they begin earlier,
/// and lie further apart.
unsigned jitter_of(const Policy& policy, const Observation& seen) {
    RotatePolicy wider = policy.rotate;
    wider.jitter_percent = std::min(2 * wider.jitter_percent, 50U);
    const bool fits = earliest_rotation(wider) > policy.superseded.keep_enabled;
    return seen.owner_is_crowded && fits ? wider.jitter_percent : policy.rotate.jitter_percent;
}

/// When it is the current key's turn to be replaced for its age.
BootInstant rotation_turn(const Policy& policy, const Observation& seen) {
    const RotatePolicy& rotate = policy.rotate;
    const Key& key = seen.state->current->key;
    const auto generation = std::to_string(key.generation);
    Instant due =
        key.created_at + with_jitter(*rotate.after, jitter_of(policy, seen), seen, "rotate#" + generation);
    // Who went back to an old key gets time to find out what was wrong with its successor.
    const auto& returned_at = seen.state->current->returned_at;
    if (returned_at) due = std::max(due, *returned_at + *rotate.after / 4);
    const auto in_window = [&](Instant from) {
        const Opening opening = next_opening(rotate.windows, from, seen.utc_offset);
        // Who has to wait for a window doesn't come at its first moment with all the others; by a share of
        // its own: those that come due for the same window have much the same jitter.
        if (opening.at == from) return from;
        return opening.at + share_of(opening.rest, seen, "window#" + generation);
    };
    const Instant first = in_window(due);
    const Instant next = in_window(seen.time.now);
    // What was due while no agent ran is made up, in a window that is open.
    const bool missed = first < seen.time.now && next == seen.time.now;
    return turn_of(missed ? first : std::max(first, next), *rotate.after, seen, "rotate");
}

bool ages(const Policy& policy, const Observation& seen) {
    return policy.rotate.after && settled_key(seen) != nullptr &&
           settled_key(seen)->standing == Standing::Enabled;
}

/// A person has said that it may be in the wrong hands.
bool is_compromised(const OldKey& key, const Observation& seen) {
    return seen.asked.request == Request::Rotate && seen.asked.compromised &&
           key.generation <= seen.asked.generation;
}

/// At once: no grace, whatever the time is.
Answer leaked_key_goes(const OldKey& key, const Observation& seen) {
    if (seen.capabilities.can_disable)
        return act(Action::DisableKey, Reason::KeyCompromised, key.name, key.id);
    if (auto waits = echo_of(key, seen)) return waits;
    return act(Action::RemoveKey, Reason::KeyCompromised, key.name, key.id);
}

Answer old_key_goes(const Policy& all, const OldKey& key, const Observation& seen) {
    const SupersededPolicy& policy = all.superseded;
    const bool enabled = !key.disabled_at;
    if (enabled && is_compromised(key, seen)) return std::nullopt;  // leaked_keys_go's
    if (key.disabled_at)
        if (auto waits = echo_of(key, seen)) return waits;
    if (key.disabled_at && seen.quota_is_short)
        return act_on_trusted_time(seen, Action::RemoveKey, Reason::QuotaShort, key.name, key.id);
    const bool disable = enabled && policy.then == SupersededPolicy::Then::Disable;
    const auto goes = [&](Reason reason) -> Answer {
        if (!disable)
            if (auto waits = echo_of(key, seen)) return waits;
        return act_on_trusted_time(seen, disable ? Action::DisableKey : Action::RemoveKey, reason, key.name,
                                   key.id);
    };
    const auto goes_after_warning = [&](Reason reason) {
        auto warned = programs_are_warned(all, key);
        return warned ? warned : goes(reason);
    };
    const CurrentKey& current = *seen.state->current;
    // Once the device's key is off, by a person or the dead man's switch, it has no other that works.
    if (enabled && current.standing == Standing::SwitchedOff)
        return goes(current.off_by_person ? Reason::DisableAsked : Reason::HeartbeatSilent);
    if (enabled && waits_for_programs(all, seen)) return std::nullopt;
    if (enabled && current.acknowledged_at) return goes_after_warning(Reason::KeyAcknowledged);
    if (!key.superseded_at) return act(Action::AskTime, Reason::TimeUnknown, key.name);
    const Instant due =
        enabled ? *key.superseded_at + policy.keep_enabled : *key.disabled_at + policy.delete_after;
    const Millis period = enabled ? policy.keep_enabled : policy.delete_after;
    const BootInstant turn = turn_of(due, period, seen, key.name);
    if (seen.boot_now < turn) return wait_until(turn, Reason::Healthy);
    return enabled ? goes_after_warning(Reason::GraceOver) : goes(Reason::DeletionDue);
}

Answer other_key_goes(const OtherInstallationsPolicy& policy, const OtherKey& key, const Observation& seen) {
    const bool disable = policy.action == OtherInstallationsPolicy::Action::Disable;
    if (disable && key.disabled) return std::nullopt;
    const Instant due = key.seen_at + policy.after;
    const BootInstant turn = turn_of(due, policy.after, seen, key.name);
    if (seen.boot_now < turn) return wait_until(turn, Reason::Healthy);
    return act_on_trusted_time(seen, disable ? Action::DisableKey : Action::RemoveKey,
                               Reason::OtherInstallation, key.name, key.id);
}

/// A person has named the current key, or an earlier one; not one that isn't made yet.
bool is_to_be_replaced(const Observation& seen) {
    return seen.asked.request == Request::Rotate &&
           seen.state->current->key.generation <= seen.asked.generation &&
           seen.asked.generation <= seen.state->last_generation;
}

/// Every program can read the key that takes the place of the old ones.
bool has_successor(const Observation& seen) {
    return settled_key(seen) != nullptr && seen.credential_file == CredentialSight::Matches;
}

}  // namespace

Answer echo_of(const OldKey& key, const Observation& seen) {
    if (!key.echo_until) return std::nullopt;
    if (!is_known(seen)) return act(Action::AskTime, Reason::LateLandingPossible, key.name);
    if (seen.time.now >= *key.echo_until) return std::nullopt;
    return wait_until(seen.boot_now + (*key.echo_until - seen.time.now), Reason::LateLandingPossible,
                      key.name, key.id);
}

const CurrentKey* settled_key(const Observation& seen) {
    const bool settled = seen.state && seen.state->current && seen.state->current->published_at;
    return settled ? &*seen.state->current : nullptr;
}

std::optional<Reason> need_of_a_key(const Policy& policy, const Observation& seen) {
    if (is_leaving(seen)) return std::nullopt;
    if (!seen.state || !seen.state->current)
        return is_paused(seen) ? std::nullopt : std::optional(Reason::NoKeyYet);
    const Standing standing = seen.state->current->standing;
    // A new key would be enabled, though the device's program is silent: it is made when that returns.
    if (is_switched_off(standing)) return std::nullopt;
    if (seen.asked.rotation || is_to_be_replaced(seen)) return Reason::RotationAsked;
    if (is_paused(seen)) return std::nullopt;
    if (standing == Standing::DisabledOutside &&
        policy.outside_changes.disabled == OutsideChangesPolicy::Disabled::Replace)
        return Reason::KeyDisabledOutside;
    if (standing == Standing::DeletedOutside &&
        policy.outside_changes.deleted == OutsideChangesPolicy::Deleted::Replace)
        return Reason::KeyDeletedOutside;
    if (is_known(seen) && silence_asks_for_a_key(policy, seen)) return Reason::HeartbeatSilent;
    // A hook that fails must never be why keys are made.
    if (waits_for_programs(policy, seen)) return std::nullopt;
    const bool due = ages(policy, seen) && is_known(seen) && rotation_turn(policy, seen) <= seen.boot_now;
    return due ? std::optional(Reason::RotationDue) : std::nullopt;
}

Answer times_are_plausible(const Policy& /*policy*/, const Observation& seen) {
    if (!seen.state || !is_known(seen) ||
        !any_time_is_wrong(*seen.state, seen.time.now, seen.capabilities.late_landing))
        return std::nullopt;
    return act(Action::MendTimes, Reason::TimesImplausible);
}

Answer refused_key_is_looked_up(const Policy& /*policy*/, const Observation& seen) {
    const CurrentKey* key = settled_key(seen);
    if (key == nullptr || !seen.login_refused) return std::nullopt;
    return act(Action::CheckListed, Reason::LoginRefused, key->key.name);
}

Answer outside_change_is_answered(const Policy& policy, const Observation& seen) {
    const CurrentKey* key = settled_key(seen);
    const bool outside = key != nullptr && (key->standing == Standing::DisabledOutside ||
                                            key->standing == Standing::DeletedOutside);
    if (!outside) return std::nullopt;
    const bool disabled = key->standing == Standing::DisabledOutside;
    if (disabled && policy.outside_changes.disabled == OutsideChangesPolicy::Disabled::Enable)
        return act(Action::EnableKey, Reason::KeyDisabledOutside, key->key.name);
    // It is obeyed, or another key is made by a rule further down.
    return act(Action::Idle, disabled ? Reason::KeyDisabledOutside : Reason::KeyDeletedOutside,
               key->key.name);
}

Answer leaked_keys_go(const Policy& /*policy*/, const Observation& seen) {
    if (!has_successor(seen) || seen.state->twin) return std::nullopt;
    return first_of(seen.state->superseded, seen, [&](const OldKey& key) -> Answer {
        if (key.disabled_at || !is_compromised(key, seen)) return std::nullopt;
        return leaked_key_goes(key, seen);
    });
}

Answer superseded_keys_go(const Policy& policy, const Observation& seen) {
    if (!has_successor(seen)) return std::nullopt;
    return first_of(seen.state->superseded, seen,
                    [&](const OldKey& key) { return old_key_goes(policy, key, seen); });
}

Answer others_are_known(const Policy& /*policy*/, const Observation& seen) {
    if (seen.asked.look) return act(Action::CheckListed, Reason::ListedCheckDue);
    if (seen.asked.request != Request::TakeOver || seen.asked.others_known) return std::nullopt;
    return act(Action::CheckListed, Reason::TakeOverAsked);
}

Answer other_installations_go(const Policy& policy, const Observation& seen) {
    const bool asked = seen.asked.request == Request::TakeOver && seen.state;
    // Our own key first: programs may still use a former life's. Unless it's those keys that leave no room
    // for it.
    const auto failure = seen.failures.find(Action::AskService);
    const bool no_room = failure != seen.failures.end() && failure->second.reason == Reason::QuotaFull;
    if (asked && !seen.state->others.empty() && (settled_key(seen) != nullptr || no_room))
        return first_of(seen.state->others, seen, [](const OtherKey& key) {
            return act(Action::RemoveKey, Reason::TakeOverAsked, key.name, key.id);
        });
    const bool only_report = policy.other_installations.action == OtherInstallationsPolicy::Action::Report;
    if (only_report || settled_key(seen) == nullptr) return std::nullopt;
    return first_of(seen.state->others, seen, [&](const OtherKey& key) {
        return other_key_goes(policy.other_installations, key, seen);
    });
}

Answer key_logs_in(const Policy& policy, const Observation& seen) {
    const CurrentKey* key = settled_key(seen);
    const auto& every = policy.watchdog.key_login;
    if (key == nullptr || !every || seen.login_refused) return std::nullopt;
    // Where the owner never asks, only a log-in tells that a person has enabled the key again.
    const bool is_disabled =
        key->standing == Standing::DisabledOutside || key->standing == Standing::SwitchedOff;
    const bool only_this = is_disabled && !policy.watchdog.key_listed;
    if (key->standing != Standing::Enabled && !only_this) return std::nullopt;
    const Millis interval = with_jitter(*every, policy.watchdog.jitter_percent, seen, "key_login");
    const BootInstant due = check_due(interval, key->logged_in_at, seen, "key_login");
    if (seen.boot_now < due) return wait_until(due, Reason::Healthy);
    return act(Action::CheckLogin, Reason::LoginCheckDue, key->key.name);
}

Answer key_is_listed(const Policy& policy, const Observation& seen) {
    const CurrentKey* key = settled_key(seen);
    const auto& every = policy.watchdog.key_listed;
    if (key == nullptr || (!every && !seen.quota_is_short)) return std::nullopt;
    const Millis look = quota_look(policy.rotate);
    const Millis whole = seen.quota_is_short ? std::min(every.value_or(look), look) : *every;
    const Millis interval = with_jitter(whole, policy.watchdog.jitter_percent, seen, "key_listed");
    const BootInstant due = check_due(interval, key->listed_at, seen, "key_listed");
    if (seen.boot_now < due) return wait_until(due, Reason::Healthy);
    return act(Action::CheckListed, seen.quota_is_short ? Reason::QuotaShort : Reason::ListedCheckDue,
               key->key.name);
}

Answer time_is_known(const Policy& policy, const Observation& seen) {
    const bool vouched = seen.time.trust >= ClockTrust::Synchronised;
    if (vouched || !ages(policy, seen)) return std::nullopt;
    // Not sooner for who is in a hurry: it isn't overdue, and would cost each restart a log-in.
    const BootInstant due = seen.began + share_of(time_look, seen, "time");
    if (seen.boot_now < due) return wait_until(due, Reason::Healthy);
    return act(Action::AskTime, Reason::TimeUnknown);
}

Answer rotation_is_awaited(const Policy& policy, const Observation& seen) {
    if (!ages(policy, seen)) return std::nullopt;
    const BootInstant turn = rotation_turn(policy, seen);
    if (seen.boot_now < turn) return wait_until(turn, Reason::Healthy);
    // A rule above makes the key once it is known what time it is.
    return is_known(seen) ? std::nullopt : act(Action::AskTime, Reason::RotationDue);
}

}  // namespace devkey::core::rule
