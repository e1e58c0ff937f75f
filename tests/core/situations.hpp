// Situations that the planner's tables are made of.
#pragma once

#include <vector>

#include "core/planner.hpp"

namespace devkey::core {

using namespace std::chrono_literals;

inline constexpr BootInstant now{1h};
inline constexpr const char* own_name = "devkey-dev-abc234-1-wxyz";

inline Key key() {
    return {.id = "id1", .name = own_name, .generation = 1, .secret = Secret{"s"}, .created_at = Instant{}};
}

/// A policy by which nothing is due by time.
inline Policy no_schedule() {
    Policy policy;
    policy.rotate.after.reset();
    policy.watchdog.key_login.reset();
    policy.watchdog.key_listed.reset();
    return policy;
}

/// A device that has never had anything.
inline Observation blank() {
    Observation seen;
    seen.boot_now = now;
    seen.began = now;
    seen.started = now;
    seen.identity = {"https://keys", "app", "local-userpass:a", "dev"};
    seen.machine = "machine";
    seen.capabilities.read_lag = 15s;
    return seen;
}

inline Observation with_state() {
    Observation seen = blank();
    seen.state.emplace();
    seen.state->identity = seen.identity;
    seen.state->machine = seen.machine;
    seen.state->installation = "abc234";
    seen.state->owner_id = "owner";
    seen.state->last_generation = 1;
    return seen;
}

inline Observation healthy() {
    Observation seen = with_state();
    seen.state->current = CurrentKey{.key = key(), .published_at = Instant{}};
    seen.credential_file = CredentialSight::Matches;
    return seen;
}

inline Observation with_intent(Intent::Stage stage) {
    Observation seen = with_state();
    seen.state->intent.emplace();
    seen.state->intent->name = own_name;
    seen.state->intent->generation = 1;
    seen.state->intent->stage = stage;
    return seen;
}

inline Observation with_pending(PendingKey::Stage stage) {
    Observation seen = with_state();
    seen.state->pending = PendingKey{.key = key(), .stage = stage};
    return seen;
}

inline void prove_pending(Observation& seen) {
    seen.proven = Proven{.id = seen.state->pending->key.id, .at = {}};
}

template <class Change>
Observation but(Observation seen, Change change) {
    change(seen);
    return seen;
}

/// One line of a table.
struct Line {
    const char* situation;
    Observation seen;
    Action action;
    Reason reason;
};

/// Keys that are there, by no_schedule().
std::vector<Line> keeping();
/// The schedule's lines, by full_policy().
std::vector<Line> scheduled();
Policy full_policy();
/// A person takes the device out of service, or over; by no_schedule().
std::vector<Line> asked();
/// A person asks about the key in use; by no_schedule().
std::vector<Line> about_the_key();
/// Programs are told of the key; by with_hooks().
std::vector<Line> hooked();
Policy with_hooks();
/// The device's program is silent; by with_heartbeat().
std::vector<Line> silent();
Policy with_heartbeat();

}  // namespace devkey::core
