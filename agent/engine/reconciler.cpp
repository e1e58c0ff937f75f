// One pass: observe → plan → apply. What each action does is in actions.cpp.
#include "engine/reconciler.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/back_off.hpp"

namespace devkey::engine {

using namespace core;
using namespace std::chrono_literals;

namespace {

// A session is kept over a wait this short: logging out and in again would cost more than it closes.
constexpr Millis session_is_kept_for = 10s;
// Nothing came due while no agent ran.
constexpr BootInstant long_ago{-std::chrono::days{36500}};
// A timer that fires later than this fired after a suspend.
constexpr Millis waking_is_late = 1min;

bool is_disk_action(Action action) {
    return action == Action::TrialSave || action == Action::Repair || action == Action::Publish ||
           action == Action::Decommission || action == Action::Recommission;
}

Reason reason_for(Action action, ErrorKind kind) {
    if (action == Action::RunHook) return Reason::HookFailed;
    switch (kind) {
        case ErrorKind::Unauthenticated:
            return action == Action::CheckLogin ? Reason::LoginRefused : Reason::OwnerRefused;
        case ErrorKind::SecretUnusable:
            return Reason::OwnerSecretUnusable;
        case ErrorKind::SecretForbidden:
            return Reason::NotPermitted;
        case ErrorKind::SecretDelayed:
            return Reason::OwnerSecretDelayed;
        case ErrorKind::Forbidden:
            return is_disk_action(action) ? Reason::NotPermitted : Reason::ServiceForbids;
        case ErrorKind::Insecure:
            return is_disk_action(action) ? Reason::NotPermitted : Reason::ConnectionInsecure;
        case ErrorKind::ProviderOff:
            return Reason::ProviderOff;
        case ErrorKind::RateLimited:
            return Reason::RateLimited;
        case ErrorKind::LimitReached:
            return Reason::QuotaFull;
        case ErrorKind::OutcomeUnknown:
            return Reason::AnswerLost;
        case ErrorKind::InvalidInput:
            return Reason::RequestRefused;
        case ErrorKind::TooEarly:
            return Reason::TooEarlyToTell;
        case ErrorKind::Io:
            return Reason::DiskRefuses;
        case ErrorKind::Corrupt:
        case ErrorKind::NotFound:
        case ErrorKind::Conflict:
        case ErrorKind::Unavailable:
            return is_disk_action(action) ? Reason::DiskRefuses : Reason::ServiceUnavailable;
    }
    return Reason::ServiceUnavailable;
}

/// Whether another key may fare better.
bool is_about_one_key(ErrorKind kind) {
    return kind == ErrorKind::InvalidInput || kind == ErrorKind::Forbidden || kind == ErrorKind::Conflict ||
           kind == ErrorKind::NotFound || kind == ErrorKind::Corrupt;
}

}  // namespace

Reconciler::Reconciler(World world, Setup setup) : world_(world), setup_(std::move(setup)) {
    seen_.identity = setup_.identity;
    seen_.machine = setup_.machine;
}

void Reconciler::succeed(const Reconciler& former) {
    if (former.setup_.identity != setup_.identity) return;
    began_ = former.began_;
    seen_.started = former.seen_.started;
    planned_ = former.planned_;
    pulse_ = former.pulse_;
    seen_.asked = former.seen_.asked;
    seen_.login_refused = former.seen_.login_refused;
    seen_.quota_is_short = former.seen_.quota_is_short;
    seen_.owner_is_crowded = former.seen_.owner_is_crowded;
    for (const auto& [task, failure] : former.seen_.failures)
        if (failure.asked_for) seen_.failures.insert_or_assign(task, failure);
}

Snapshot Reconciler::pass(Trigger trigger, const Asking& asking) {
    changed_ = false;
    if (asking.request != seen_.asked.request) seen_.asked.others_known = false;
    seen_.asked.request = asking.request;
    seen_.asked.generation = asking.generation;
    seen_.asked.compromised = asking.compromised;
    seen_.asked.until = asking.until;
    // What the service asked for (Retry-After) holds even when a person is in a hurry.
    if (trigger >= Trigger::OwnerSecret)
        std::erase_if(seen_.failures, [](const auto& entry) { return !entry.second.asked_for; });
    // Whoever touched the file may have made it writable, too.
    if (trigger == Trigger::CredentialFile)
        std::erase_if(seen_.failures, [](const auto& entry) { return is_disk_action(entry.first.action); });
    if (trigger == Trigger::ClockSet)
        std::erase_if(seen_.failures,
                      [](const auto& entry) { return entry.second.reason == Reason::ConnectionInsecure; });
    if (trigger == Trigger::Look) seen_.asked.look = !is_listed_just_now();
    // A short-lived token is renewed all the time: that is nobody asking for another key.
    if (trigger >= Trigger::Retry) seen_.asked.another_key = true;
    if (trigger == Trigger::Rotate) seen_.asked.rotation = true;
    // Who runs it once doesn't want what is overdue to be spread over the next hour.
    const bool once = !began_ && trigger >= Trigger::Retry;
    note_start();
    if (once) seen_.started = long_ago;
    load_state();
    observe();
    Decision decision = plan(setup_.policy, seen_);
    latest_ = decision;
    if (decision.action == Action::Idle || decision.action == Action::Hold) {
        const auto now = world_.clock.boot_now();
        if (!decision.again || *decision.again - now > session_is_kept_for) rest();
        planned_ = decision.again;
        tell(decision);
        return snapshot_of(std::move(decision));
    }
    const bool was_unsaved = seen_.state_unsaved;
    const auto done = apply(decision);
    // A save that failed is what has to be tried again, not what it was for.
    const bool save_failed = seen_.state_unsaved && !was_unsaved;
    const Task task = save_failed ? Task{Action::TrialSave} : Task{decision.action, decision.target};
    if (done)
        note_success(task);
    else
        note_failure(task, done.error());
    save_failures();
    Snapshot snapshot = snapshot_of(std::move(decision));
    snapshot.more = true;
    return snapshot;
}

bool Reconciler::is_listed_just_now() const {
    constexpr Millis just_now = 10s;
    return slots_ && began_ && time().now - slots_->at < just_now;
}

void Reconciler::note_start() {
    const auto now = world_.clock.boot_now();
    if (!began_ || (planned_ && now - *planned_ > waking_is_late)) seen_.started = now;
    if (!began_) began_ = now;
    seen_.began = *began_;
    planned_.reset();
}

Instant Reconciler::floor() const {
    return std::max(setup_.built_at, seen_.state ? seen_.state->last_seen : Instant{});
}

TrustedTime Reconciler::time() const {
    const ClockReading reading{.wall = world_.clock.now(),
                               .boot = world_.clock.boot_now(),
                               .synchronised = world_.clock.is_synchronised(),
                               .running = world_.clock.boot_now() - *began_};
    return trusted_time(reading, world_.service.server_date(), floor());
}

void Reconciler::load_state() {
    if (loaded_) return;
    auto loaded = world_.store.load();
    if (!loaded) {
        seen_.state_error = std::move(loaded.error());
        return;
    }
    seen_.state = *std::move(loaded);
    seen_.state_error.reset();
    loaded_ = true;
    world_.service.set_floor(floor());
    if (seen_.state && !seen_.state->machine.empty() && setup_.machine.empty())
        world_.reporter.report({.severity = ports::Severity::Warning,
                                .name = "machine-unknown",
                                .message =
                                    "this machine has no id (/etc/machine-id): whether the state was made "
                                    "on it can't be told"});
}

void Reconciler::observe() {
    seen_.boot_now = world_.clock.boot_now();
    seen_.time = time();
    if (setup_.policy.rotate.local_time) seen_.utc_offset = world_.clock.utc_offset();
    seen_.capabilities = world_.service.capabilities();
    seen_.credential_file = look_at_credential_file();
    listen_to_heartbeat();
}

void Reconciler::listen_to_heartbeat() {
    seen_.silent_for = seen_.beat_ago = std::nullopt;
    seen_.beat.reset();
    seen_.heartbeat_error.reset();
    if (!setup_.policy.watchdog.heartbeat) return;
    const auto beat = world_.heartbeat.last_beat();
    if (!beat) {
        seen_.heartbeat_error = beat.error().message;
        return;
    }
    seen_.beat = *beat;
    const Moment now{.wall = world_.clock.now(), .boot = seen_.boot_now};
    pulse_ = look_again(pulse_, *beat, now);
    seen_.silent_for = silent_for(*pulse_, now);
    seen_.beat_ago = beat_ago(*pulse_, now);
}

bool Reconciler::request_is_done() const {
    const bool leaving = seen_.state && seen_.state->decommissioned_at;
    if (leaving && names_a_generation(seen_.asked.request)) return true;
    switch (seen_.asked.request) {
        case Request::Decommission:
            // Under another identity nothing more can be done: the tombstone remembers.
            return latest_.reason == Reason::Decommissioned ||
                   (leaving && latest_.reason == Reason::IdentityChanged);
        case Request::Recommission:
            return loaded_ && !leaving;
        case Request::TakeOver:
            return leaving || (seen_.asked.others_known && seen_.state->others.empty());
        case Request::Rotate:
            return is_replaced();
        case Request::Pause:
            return leaving || (seen_.state && seen_.state->pause == Pause{seen_.asked.until});
        case Request::Resume:
            return leaving || (loaded_ && (!seen_.state || !seen_.state->pause));
        case Request::Rollback:
        case Request::Disable:
        case Request::Enable:
        case Request::Acknowledge:
            return loaded_ && is_done_with_key();
        case Request::None:
            break;
    }
    return false;
}

bool Reconciler::is_done_with_key() const {
    if (!seen_.state || !seen_.state->current) return true;
    const CurrentKey& key = *seen_.state->current;
    if (!key.published_at || seen_.state->pending) return false;
    if (key.key.generation != seen_.asked.generation || key.standing == Standing::DeletedOutside) return true;
    switch (seen_.asked.request) {
        case Request::Rollback:
            return key_to_return_to(*seen_.state) == nullptr;
        case Request::Disable:
            return key.standing == Standing::SwitchedOff && key.off_by_person;
        case Request::Enable:
            return key.standing == Standing::Enabled;
        default:
            return key.acknowledged_at.has_value();
    }
}

bool Reconciler::is_replaced() const {
    if (!seen_.state || !seen_.state->current || !seen_.state->current->published_at) return false;
    const auto asked = seen_.asked.generation;
    const auto still_works = [asked](const OldKey& key) {
        return key.generation <= asked && !key.disabled_at;
    };
    const bool leaks = seen_.asked.compromised && std::ranges::any_of(seen_.state->superseded, still_works);
    // No key of a generation still to come is waited for.
    return (seen_.state->current->key.generation > asked || asked > seen_.state->last_generation) && !leaks;
}

std::optional<CredentialSight> Reconciler::look_at_credential_file() {
    if (!seen_.state || !seen_.state->current) return std::nullopt;
    const auto sight = world_.sink.look(credential());
    return sight ? std::optional(*sight) : std::nullopt;
}

Snapshot Reconciler::snapshot_of(Decision decision) const {
    Snapshot snapshot;
    snapshot.decision = std::move(decision);
    snapshot.changed = changed_;
    snapshot.request_done = request_is_done();
    snapshot.status = status_of(snapshot.decision, false);
    if (!seen_.state || !seen_.state->current) return snapshot;
    snapshot.key_name = seen_.state->current->key.name;
    snapshot.key_id = seen_.state->current->key.id;
    snapshot.generation = seen_.state->current->key.generation;
    snapshot.usable = seen_.state->current->published_at && seen_.credential_file == CredentialSight::Matches;
    snapshot.status = status_of(snapshot.decision, snapshot.usable);
    return snapshot;
}

Status Reconciler::status_of(const Decision& decision, bool usable) const {
    Status status = core::status_of(setup_.policy, seen_.state, seen_.time);
    status.device = setup_.identity.device;
    status.decision = decision;
    if (decision.again) status.next_at = seen_.time.now + (*decision.again - seen_.boot_now);
    status.usable = usable;
    status.slots = slots_;
    assess(status);
    return status;
}

void Reconciler::note_success(const Task& task) {
    seen_.failures.erase(task);
    seen_.failures.erase(task.action);
    seen_.in_vain.erase(task.target);
}

void Reconciler::note_failure(Task task, const Error& error) {
    if (!task.target.empty()) {
        ++seen_.in_vain[task.target];  // others have their turn first
        if (!is_about_one_key(error.kind) && task.action != Action::RunHook) task.target.clear();
    }
    Failure& failure = seen_.failures[task];
    failure.reason = reason_for(task.action, error.kind);
    failure.message = error.message;
    failure.asked_for = error.retry_after || error.kind == ErrorKind::RateLimited;
    ++failure.count;
    // Who waits for a slot looks for one as often as the others do, or they would always come first.
    const bool waits_for_a_slot = error.kind == ErrorKind::LimitReached;
    const Millis longest = waits_for_a_slot ? quota_look(setup_.policy.rotate) : Millis::max();
    set_wait(failure, back_off(error, failure.count, setup_.identity.device, longest));
}

void Reconciler::set_wait(Failure& failure, Millis wait) const {
    failure.retry_at = world_.clock.boot_now() + wait;
    failure.retry_on_clock = time().now + wait;
}

void Reconciler::save_failures() {
    // Before there is a state there is none to write it to; and one that can't be saved is tried by a rule.
    // Another identity's state is left as it is.
    if (!seen_.state || seen_.state_unsaved || !change_of_identity(seen_).empty()) return;
    std::vector<NotedFailure> noted;
    for (const auto& [task, failure] : seen_.failures)
        noted.push_back({.action = std::string(name_of(task.action)),
                         .target = task.target,
                         .reason = std::string(name_of(failure.reason)),
                         .message = failure.message,
                         .count = failure.count,
                         .retry_at = failure.retry_on_clock});
    if (noted == seen_.state->failures) return;
    State next = *seen_.state;
    next.failures = std::move(noted);
    if (auto saved = save(std::move(next)); !saved) note_failure(Action::TrialSave, saved.error());
}

void Reconciler::rest() {
    world_.service.rest();
    seen_.listed.reset();
}

}  // namespace devkey::engine
