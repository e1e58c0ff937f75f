// The dead man's switch: what follows when the device's program falls silent, and when it returns.
#include <algorithm>

#include "core/rules.hpp"

namespace devkey::core::rule {
namespace {

using namespace std::chrono_literals;
using Then = HeartbeatPolicy::Then;

/// After a suspend, or when the agent starts, the program gets at least this long to show that it is there.
constexpr Millis chance_to_return = 15min;

/// How soon the return of the program is noticed.
Millis return_look(const HeartbeatPolicy& heartbeat) {
    return std::clamp<Millis>(heartbeat.stale_after / 20, 1s, 1min);
}

/// When the silence will have lasted for too long. A program can't beat before it has its first key.
BootInstant stale_at(const HeartbeatPolicy& heartbeat, const Observation& seen) {
    const CurrentKey& key = *seen.state->current;
    const Millis published_for = std::max(seen.time.now - *key.published_at, Millis{0});
    const bool is_first = seen.state->superseded.empty() && key.key.generation == 1;
    const Millis silence = is_first ? std::min(*seen.silent_for, published_for) : *seen.silent_for;
    const BootInstant due = seen.boot_now + (heartbeat.stale_after - silence);
    return std::max(due, seen.started + std::min(heartbeat.stale_after, chance_to_return));
}

/// Whether the program is back since its key was switched off: a beat that we saw come, or a stamp that
/// wasn't there then. The same stamp is no return, however fresh it looks by a clock that started at an old
/// time.
bool beats_again(const HeartbeatPolicy& heartbeat, const CurrentKey& key, const Observation& seen) {
    if (!seen.beat || writable(*seen.beat) == key.last_beat) return false;
    if (seen.beat_ago) return *seen.beat_ago < heartbeat.stale_after;
    // On a clock that isn't trusted it may be: the time is asked for before the key is enabled.
    const Millis ago = seen.time.now - *seen.beat;
    return seen.time.trust != ClockTrust::Server || (ago > -clocks_differ && ago < heartbeat.stale_after);
}

/// What is done about the key that we switched off.
Answer switched_off(const std::optional<HeartbeatPolicy>& heartbeat, const CurrentKey& key,
                    const Observation& seen) {
    if (key.off_by_person) return act(Action::Idle, Reason::KeyDisabledByPerson, "devkeyctl enable");
    const bool returned = heartbeat && beats_again(*heartbeat, key, seen);
    const bool enables =
        !heartbeat || (returned && heartbeat->on_return == HeartbeatPolicy::OnReturn::Enable);
    if (enables) return enable_when_sure(key, seen, Reason::HeartbeatReturned);
    if (returned) return act(Action::Idle, Reason::KeySwitchedOff, "watchdog.heartbeat.on_return is hold");
    return wait_until(seen.boot_now + return_look(*heartbeat), Reason::KeySwitchedOff, heartbeat->file);
}

}  // namespace

bool silence_asks_for_a_key(const Policy& policy, const Observation& seen) {
    const auto& heartbeat = policy.watchdog.heartbeat;
    const CurrentKey* key = settled_key(seen);
    const bool may = heartbeat && heartbeat->then == Then::Rotate && seen.silent_for && key != nullptr &&
                     key->standing == Standing::Enabled;
    if (!may || seen.boot_now < stale_at(*heartbeat, seen)) return false;
    // One key for each silence: not another for one that was made since the switch tripped. Made by the
    // service's clock, which may be a little behind: so one that was made not long before will do, too.
    const Instant tripped = seen.time.now - (*seen.silent_for - heartbeat->stale_after);
    return key->key.created_at < tripped - heartbeat->stale_after / 2;
}

Answer silence_is_answered(const Policy& policy, const Observation& seen) {
    const auto& heartbeat = policy.watchdog.heartbeat;
    const CurrentKey* key = settled_key(seen);
    if (key == nullptr) return std::nullopt;
    if (is_switched_off(key->standing)) return switched_off(heartbeat, *key, seen);
    if (!heartbeat || key->standing != Standing::Enabled) return std::nullopt;
    if (seen.heartbeat_error)
        return wait_until(seen.boot_now + return_look(*heartbeat), Reason::HeartbeatUnreadable,
                          *seen.heartbeat_error);
    if (!seen.silent_for) return std::nullopt;
    const BootInstant due = stale_at(*heartbeat, seen);
    if (seen.boot_now < due) return wait_until(due, Reason::Healthy);
    if (heartbeat->then == Then::Disable)
        return act_on_trusted_time(seen, Action::SwitchOff, Reason::HeartbeatSilent, key->key.name);
    const bool needs_time = silence_asks_for_a_key(policy, seen) && seen.time.trust != ClockTrust::Server;
    if (needs_time) return act(Action::AskTime, Reason::HeartbeatSilent);
    return wait_until(seen.boot_now + return_look(*heartbeat), Reason::HeartbeatSilent, heartbeat->file);
}

}  // namespace devkey::core::rule
