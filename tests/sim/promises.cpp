#include "sim/promises.hpp"

#include <algorithm>
#include <chrono>

#include "core/key_name.hpp"
#include "core/planner.hpp"

namespace devkey::sim {

using core::Intent;
using core::Reason;
using core::State;
using Other = core::OtherInstallationsPolicy::Action;
using namespace std::chrono_literals;

namespace {

// A service tells its time in whole seconds, and an answer may be slow.
constexpr Millis clock_tolerance = 1min;

const core::OldKey* superseded(const State& state, const std::string& id) {
    const auto found = std::ranges::find(state.superseded, id, &core::OldKey::id);
    return found == state.superseded.end() ? nullptr : &*found;
}

bool holds(const State& state, const CloudKey& key) {
    return (state.current && state.current->key.id == key.id) ||
           (state.pending && state.pending->key.id == key.id) || superseded(state, key.id) != nullptr;
}

/// Made by a request that was given up, when somebody removed the key that kept its name taken: the next
/// list shows it, and it is reported.
bool is_double(const State& state, const CloudKey& key) {
    return key.landed_late &&
           core::is_double(state, {.id = key.id, .name = key.name, .enabled = key.enabled});
}

/// Known by its name, or by an id whose secret we don't hold.
bool is_stray(const State& state, const CloudKey& key) {
    const bool intended = state.intent && (state.intent->name == key.name || state.intent->id == key.id);
    return intended || (state.pending && state.pending->key.name == key.name) || is_double(state, key);
}

/// In truth, whatever the state says now.
bool is_switched_off(const Machine& machine, const std::string& id) {
    return machine.switched_off && machine.switched_off->key == id;
}

/// 1. Never without a working key.
void check_published_key(Machine& machine) {
    const auto& id = machine.sink.published;
    if (id.empty()) return;
    const CloudKey& key = *machine.scene.cloud.find(id);
    const bool works = key.enabled && !key.removed_at;
    const bool on = machine.state() && machine.state()->current &&
                    machine.state()->current->standing == core::Standing::Enabled;
    if (works && on) machine.switched_off.reset();
    if (works || key.by_person || key.shared || is_switched_off(machine, id)) return;
    throw Broken{"1: the published key " + id + " doesn't work any more on " + machine.name()};
}

/// A copy that can't be told from the first, made in the middle of a create, has the first's new key for its
/// own stray and removes it: a request that was on its way then lands, or, where names aren't unique, the
/// copy's own stray stays. Neither could know.
bool is_lost_to_a_twin(const Machine& machine, const CloudKey& key) {
    return machine.twin && key.shared;
}

/// 2. Never a key nobody knows.
void check_every_key_is_known(Machine& machine) {
    std::size_t strays = 0;
    for (const auto& key : machine.scene.cloud.keys()) {
        if (key.maker != machine.connection.life) continue;
        if (machine.state() && holds(*machine.state(), key)) continue;
        if (is_lost_to_a_twin(machine, key)) continue;
        if (!machine.state() || !is_stray(*machine.state(), key))
            throw Broken{"2: " + machine.name() + " made key " + key.id + " (" + key.name +
                         "), and its state doesn't know it"};
        if (++strays > 1) throw Broken{"2: " + machine.name() + " has two strays: " + key.id};
    }
}

void check_create(Machine& machine, const std::string& name) {
    const auto& state = machine.state();
    const bool written_down =
        state && state->intent && state->intent->name == name && state->intent->stage == Intent::Stage::Sent;
    if (!written_down) throw Broken{"2: a create of " + name + " is sent, and was not written down before"};
    if (state->pending) throw Broken{"2: a create of " + name + " is sent while a new key waits"};
    const auto parsed = core::parse_key_name(name);
    if (!parsed) throw Broken{"2: " + name + " is not a name of ours"};
    const auto [known, fresh] = machine.generations.emplace(parsed->generation, name);
    const bool goes_on = fresh ? std::next(known) == machine.generations.end() : known->second == name;
    if (!goes_on)
        throw Broken{"generations: " + std::to_string(parsed->generation) + " is used again, for " + name};
}

/// The grace, in true time.
void check_grace(const Machine& machine, const std::string& id) {
    const auto replaced = machine.sink.replaced_at.find(id);
    if (replaced == machine.sink.replaced_at.end())
        throw Broken{"1: key " + id + " goes, and no other was published in its place"};
    const Millis grace = machine.setup.policy.superseded.keep_enabled;
    // A time that the service tells is believed: there is no better clock. A wrong one may end a grace early.
    if (machine.misled_at >= replaced->second || machine.connection.is_misled()) return;
    const Millis passed = machine.scene.timeline.now - replaced->second;
    if (passed + clock_tolerance < grace)
        throw Broken{"1: key " + id + " goes " + core::format_duration(passed) +
                     " after its successor was published; the grace is " + core::format_duration(grace)};
}

/// Whether the state gives a reason to disable or remove this key, beside its being superseded.
bool may_go(const Machine& machine, std::string_view call, const std::string& id) {
    const State& state = *machine.state();
    const bool remove = call == "remove";
    const auto action = machine.setup.policy.other_installations.action;
    const bool other = std::ranges::find(state.others, id, &core::OtherKey::id) != state.others.end();
    if (other && remove && machine.asking.request == core::Request::TakeOver) return true;
    if (other && action == (remove ? Other::Delete : Other::Disable)) return true;
    // An unproven one goes too, where its state could not be saved: see Reconciler::keep.
    const bool unproven = state.pending && state.pending->key.id == id;
    const CloudKey* key = machine.scene.cloud.find(id);
    const bool stray = key != nullptr && is_stray(state, *key);
    return remove && (unproven || stray);
}

/// How long the program has been silent, in truth.
Millis silence_of(Machine& machine) {
    machine.program.catch_up();
    const auto& beat = machine.program.beat();
    return beat ? machine.scene.timeline.now - *beat : Millis::max();
}

bool may_switch_off(Machine& machine) {
    const auto& heartbeat = machine.setup.policy.watchdog.heartbeat;
    if (!heartbeat) return false;
    const Millis stale = heartbeat->stale_after - clock_tolerance;
    // An agent that was started since can't know that the clock jumped: then it goes by the time since boot.
    const bool jumped = machine.program.clock_jumped_since_beat();
    return silence_of(machine) >= stale || (jumped && machine.clock.boot_now().time_since_epoch() >= stale);
}

void check_end(Machine& machine, std::string_view call, const std::string& id) {
    const auto& state = machine.state();
    const std::string what = std::string(call) + " of " + id;
    if (!state) throw Broken{"3: " + what + " by " + machine.name() + ", which has no state"};
    note_switching_off(machine);
    if (call == "disable" && is_switched_off(machine, id)) return;
    if (state->decommissioned_at && !machine.may_leave)
        throw Broken{"3: " + what + ": nobody asked to take " + machine.name() + " out of service"};
    // A re-imaged device that was left its old credential file, and no room for a key of its own.
    if (id == machine.sink.published && !state->current && may_go(machine, call, id)) {
        machine.scene.cloud.find(id)->shared = true;
        return;
    }
    // By a restored state, what was made of a create that was open in it is its own stray.
    if (machine.restored_at && machine.scene.cloud.find(id)->shared && may_go(machine, call, id)) return;
    if (id == machine.sink.published) throw Broken{"3: " + what + ", which is the published key"};
    if (state->current && state->current->key.id == id)
        throw Broken{"3: " + what + ", which is the current key"};
    if (const auto* old = superseded(*state, id)) {
        const auto& asking = machine.asking;
        const bool leaked = asking.compromised && old->generation <= asking.generation;
        // Nor has an old key a grace where the dead man's switch has tripped.
        const bool silent = state->current && state->current->standing == core::Standing::SwitchedOff;
        const bool acknowledged = state->current && state->current->acknowledged_at;
        if (!old->disabled_at && !state->decommissioned_at && !leaked && !silent && !acknowledged)
            check_grace(machine, id);
        return;
    }
    if (!may_go(machine, call, id)) throw Broken{"3: " + what + ", which the state gives no reason for"};
    // The policy, or a person, lets one installation take away what another (a twin of a former life) still
    // uses.
    machine.scene.cloud.find(id)->shared = true;
}

/// Whether the program is there again since the switch tripped, in truth.
bool has_returned(Machine& machine, const core::HeartbeatPolicy& heartbeat) {
    // By a policy that was edited since, the silence may be none.
    if (silence_of(machine) < heartbeat.stale_after + clock_tolerance) return true;
    return machine.program.beat() && *machine.program.beat() > machine.switched_off->looked_at;
}

/// What the dead man's switch did is undone: only that, and only for what the policy says.
void check_switching_on(Machine& machine, const CloudKey& key) {
    const auto& heartbeat = machine.setup.policy.watchdog.heartbeat;
    const std::string what = "3: key " + key.id + " is switched on again";
    if (machine.state()->current->off_by_person) throw Broken{what + ", though a person had it off"};
    if (heartbeat && heartbeat->on_return == core::HeartbeatPolicy::OnReturn::Hold)
        throw Broken{what + ", though watchdog.heartbeat.on_return is hold"};
    if (heartbeat && !has_returned(machine, *heartbeat))
        throw Broken{what + ", and the program of " + machine.name() + " has not returned"};
    // Who disabled it after that, while our own request was on its way, can't be told by anybody.
    const bool by_person =
        key.off_by_person && key.changed_at + machine.scene.cloud.lag < machine.switched_off->written_down_at;
    if (by_person) throw Broken{what + ", and a person had disabled it before"};
}

void check_enable(Machine& machine, const std::string& id) {
    using Disabled = core::OutsideChangesPolicy::Disabled;
    const auto& state = machine.state();
    note_returning(machine);
    if (machine.returning == id) return;
    const bool current = state && state->current && state->current->key.id == id;
    const CloudKey* key = machine.scene.cloud.find(id);
    if (current && key->enabled) return;  // nothing is undone: an answer was lost before, or a save failed
    if (current && machine.asking.request == core::Request::Enable) return;
    if (current && is_switched_off(machine, id)) return check_switching_on(machine, *key);
    if (!current || machine.setup.policy.outside_changes.disabled != Disabled::Enable)
        throw Broken{"3: key " + id + " is enabled, which nobody asked for"};
}

bool is_same_device(const Machine& machine) {
    const auto& state = machine.state();
    if (!state) return true;
    const bool other_machine =
        !state->machine.empty() && !machine.setup.machine.empty() && state->machine != machine.setup.machine;
    return state->identity == machine.setup.identity && !other_machine;
}

}  // namespace

void note_switching_off(Machine& machine) {
    const auto& state = machine.state();
    const bool begun = state && state->current && state->current->standing == core::Standing::SwitchingOff;
    if (!begun || is_switched_off(machine, state->current->key.id)) return;
    const bool asked = state->current->off_by_person && machine.asking.request == core::Request::Disable;
    if (!asked && !may_switch_off(machine))
        throw Broken{"1: " + machine.name() + " switches off its key, though its program was there lately"};
    machine.switched_off = SwitchedOff{.key = state->current->key.id,
                                       .looked_at = machine.program.looked_at(),
                                       .written_down_at = machine.scene.timeline.now};
}

void note_returning(Machine& machine) {
    const auto& state = machine.state();
    const bool begun = state && state->pending && state->pending->returns;
    if (!begun) return machine.returning.reset();
    if (machine.returning == state->pending->key.id) return;
    const auto& hook = machine.setup.policy.hooks.after_publish;
    if (machine.asking.request != core::Request::Rollback && !(hook && hook->required))
        throw Broken{"3: " + machine.name() + " takes back key " + state->pending->key.id +
                     ", which nobody asked for"};
    if (machine.asking.compromised && state->pending->key.generation <= machine.asking.generation)
        throw Broken{"3: " + machine.name() + " takes back key " + state->pending->key.id +
                     ", which has leaked"};
    machine.returning = state->pending->key.id;
}

void check_promises(Machine& machine) {
    check_published_key(machine);
    check_every_key_is_known(machine);
}

/// Neither twin changes the other's keys: who has noticed changes nothing, but for what it had begun, and
/// what a person asks for.
void check_clone_hold(const Machine& machine, std::string_view call, const std::string& subject) {
    const auto& hold = machine.clone_hold;
    const auto& state = machine.state();
    if (!hold || hold->lists != machine.connection.lists || (state && state->decommissioned_at)) return;
    const CloudKey* key = machine.scene.cloud.find(subject);
    const std::string& name = call == "create" || key == nullptr ? subject : key->name;
    if (hold->begun != name)
        throw Broken{"3: " + std::string(call) + " of " + subject + " by " + machine.name() +
                     ", which suspects a clone"};
}

void check_change(Machine& machine, std::string_view call, const std::string& subject) {
    check_clone_hold(machine, call, subject);
    if (!is_same_device(machine))
        throw Broken{"3: " + std::string(call) + " of " + subject +
                     " under another identity than the state's"};
    if (call == "create") return check_create(machine, subject);
    if (call == "enable") return check_enable(machine, subject);
    check_end(machine, call, subject);
}

void check_quiet(const Machine& machine, std::size_t requests, std::size_t wakes, std::size_t disturbances) {
    constexpr std::size_t calm = 200;
    constexpr std::size_t each_disturbance = 60;
    const std::size_t most = calm + each_disturbance * disturbances;
    if (requests > most)
        throw Broken{"6: a storm: " + std::to_string(requests) + " requests of " + machine.name() +
                     " within an hour"};
    if (wakes > 3 * most)
        throw Broken{"6: " + machine.name() + " woke " + std::to_string(wakes) + " times within an hour"};
}

static bool about_the_file(Reason reason) {
    return reason == Reason::CredentialFileMissing || reason == Reason::CredentialFileAltered ||
           reason == Reason::CredentialFileLoosened || reason == Reason::CredentialFileUnreadable;
}

/// Out of service: no key of this device works, and no file holds one.
static void check_tombstone(const Machine& machine) {
    const std::string what = "1: after days in which all was well, " + machine.name() + " is out of service";
    if (machine.latest().decision.reason != Reason::Decommissioned)
        throw Broken{what + ", but not at rest: " + std::string(name_of(machine.latest().decision.reason))};
    // A tombstone from a backup doesn't know the file that was written since.
    if (machine.sink.file.content && !machine.restored_at)
        throw Broken{what + ", and its credential file is still there"};
    for (const auto& key : machine.scene.cloud.keys())
        if (key.maker == machine.connection.life && key.enabled && !key.enabled_by_person)
            throw Broken{what + ", and its key " + key.id + " still works"};
}

void check_recovery(Machine& machine) {
    if (machine.twin) return;
    const auto& state = machine.state();
    const auto reason = machine.latest().decision.reason;
    // It has met a key that it made after the backup: only a person can say which of the two lives goes on.
    // So it is with a double.
    const auto doubled = [&](const CloudKey& key) { return state && is_double(*state, key); };
    const bool met = machine.restored_at || std::ranges::any_of(machine.scene.cloud.keys(), doubled);
    if (met && reason == Reason::CloneSuspected) return;
    if (state && state->decommissioned_at) return check_tombstone(machine);
    const std::string what = "1: after days in which all was well, " + machine.name();
    const auto& cloud = machine.scene.cloud;
    // Others may have made room a moment ago.
    const bool full = cloud.can.keys_per_owner != 0 && cloud.keys().size() + 2 >= cloud.can.keys_per_owner;
    // By that policy a file that somebody altered stays, and the old key with it.
    const bool left_alone = !machine.setup.policy.watchdog.credential_file && about_the_file(reason);
    if (full && (reason == Reason::QuotaFull || left_alone)) return;
    if (!state || !state->current) throw Broken{what + " has no key: " + std::string(name_of(reason))};
    // A full owner's service refuses before it looks at the name: whether that is taken is looked up each
    // time.
    if (full && state->intent && reason == Reason::StrayNotListed) return;
    const bool half_done = state->pending || (state->intent && state->intent->stage != Intent::Stage::Unsent);
    if (half_done) throw Broken{what + " has not finished what it began: " + std::string(name_of(reason))};
    const CloudKey& key = *machine.scene.cloud.find(state->current->key.id);
    const bool works = key.enabled && !key.removed_at;
    const bool pulled = reason == Reason::KeySwitchedOff || reason == Reason::DisableUnsettled ||
                        reason == Reason::KeyDisabledOutside || reason == Reason::KeyDeletedOutside;
    const auto& watchdog = machine.setup.policy.watchdog;
    if (pulled && !watchdog.key_login && !watchdog.key_listed) return;  // nothing could tell it
    if (left_alone) return;
    if (works ? reason != Reason::Healthy : reason != Reason::Healthy && !pulled)
        throw Broken{what + " is still at " + std::string(name_of(reason))};
    for (const auto& old : state->superseded) {
        const auto replaced = machine.sink.replaced_at.find(old.id);
        // After a wrong time, a grace may run from when that was mended; by a restored state, from when the
        // key is replaced once more.
        const bool overdue = replaced != machine.sink.replaced_at.end() &&
                             (!machine.restored_at || *machine.restored_at < replaced->second) &&
                             machine.misled_at < replaced->second &&
                             replaced->second + machine.setup.policy.superseded.keep_enabled + 24h <
                                 machine.scene.timeline.now;
        if (overdue && !old.disabled_at) throw Broken{what + " still keeps " + old.id + " enabled"};
    }
}

}  // namespace devkey::sim
