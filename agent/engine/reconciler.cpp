// One pass: observe → plan → apply. What each action does is in actions.cpp.
#include "engine/reconciler.hpp"

#include <chrono>
#include <utility>

#include "core/back_off.hpp"

namespace devkey::engine {

using namespace core;
using namespace std::chrono_literals;

namespace {

// A session is kept over a wait this short: logging out and in again would cost more than it closes.
constexpr Millis session_is_kept_for = 10s;
// A timer that fires later than this fired after a suspend.
constexpr Millis waking_is_late = 1min;

bool is_disk_action(Action action) {
    return action == Action::TrialSave || action == Action::Repair || action == Action::Publish;
}

Reason reason_for(Action action, ErrorKind kind) {
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

ports::Severity severity_of(const Decision& decision) {
    if (decision.action == Action::Hold) return ports::Severity::Error;
    if (decision.reason == Reason::Healthy) return ports::Severity::Info;
    return decision.reason == Reason::NewKeyNotAcceptedYet ? ports::Severity::Info : ports::Severity::Warning;
}

}  // namespace

Reconciler::Reconciler(World world, Setup setup) : world_(world), setup_(std::move(setup)) {}

void Reconciler::succeed(const Reconciler& former) {
    if (former.setup_.identity != setup_.identity) return;
    began_ = former.began_;
    started_ = former.started_;
    planned_ = former.planned_;
    asked_ = former.asked_;
    login_refused_ = former.login_refused_;
    quota_is_short_ = former.quota_is_short_;
    twin_ = former.twin_;
    for (const auto& [action, failure] : former.failures_)
        if (failure.asked_for) failures_.insert_or_assign(action, failure);
}

Snapshot Reconciler::pass(Trigger trigger) {
    changed_ = false;
    // What the service asked for (Retry-After) holds even when a person is in a hurry.
    if (trigger >= Trigger::OwnerSecret)
        std::erase_if(failures_, [](const auto& entry) { return !entry.second.asked_for; });
    // Whoever touched the file may have made it writable, too.
    if (trigger == Trigger::CredentialFile)
        std::erase_if(failures_, [](const auto& entry) { return is_disk_action(entry.first); });
    // A short-lived token is renewed all the time: that is nobody asking for another key.
    if (trigger >= Trigger::Retry) asked_.another_key = true;
    if (trigger == Trigger::Rotate) asked_.rotation = true;
    note_start();
    load_state();
    Decision decision = plan(setup_.policy, observe());
    latest_ = decision;
    if (decision.action == Action::Idle || decision.action == Action::Hold) {
        const auto now = world_.clock.boot_now();
        if (!decision.again || *decision.again - now > session_is_kept_for) rest();
        planned_ = decision.again;
        tell(decision);
        return snapshot_of(std::move(decision));
    }
    const bool was_unsaved = state_unsaved_;
    const auto done = apply(decision);
    // A save that failed is what has to be tried again, not what it was for.
    const bool save_failed = state_unsaved_ && !was_unsaved;
    if (done)
        failures_.erase(decision.action);
    else
        note_failure(save_failed ? Action::TrialSave : decision.action, done.error());
    Snapshot snapshot = snapshot_of(std::move(decision));
    snapshot.more = true;
    return snapshot;
}

void Reconciler::note_start() {
    const auto now = world_.clock.boot_now();
    if (!began_) began_ = now;
    if (!started_ || (planned_ && now - *planned_ > waking_is_late)) started_ = now;
    planned_.reset();
}

Instant Reconciler::floor() const {
    return std::max(setup_.built_at, state_ ? state_->last_seen : Instant{});
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
        state_error_ = std::move(loaded.error());
        return;
    }
    state_ = *std::move(loaded);
    state_error_.reset();
    loaded_ = true;
    world_.service.set_floor(floor());
    if (state_ && !state_->machine.empty() && setup_.machine.empty())
        world_.reporter.report({.severity = ports::Severity::Warning,
                                .name = "machine-unknown",
                                .message =
                                    "this machine has no id (/etc/machine-id): whether the state was made "
                                    "on it can't be told"});
}

Observation Reconciler::observe() {
    Observation seen;
    seen.boot_now = world_.clock.boot_now();
    seen.started = *started_;
    seen.time = time();
    if (setup_.policy.rotate.local_time) seen.utc_offset = world_.clock.utc_offset();
    seen.identity = setup_.identity;
    seen.machine = setup_.machine;
    seen.capabilities = world_.service.capabilities();
    seen.state_error = state_error_;
    seen.state = state_;
    seen.state_unsaved = state_unsaved_;
    seen.credential_file = sight_ = look_at_credential_file();
    seen.listed = listed_;
    seen.owner_id = owner_id_;
    seen.proof = proof_;
    seen.search = search_;
    seen.asked = asked_;
    seen.login_refused = login_refused_;
    seen.twin = twin_;
    seen.quota_is_short = quota_is_short_;
    seen.failures = failures_;
    return seen;
}

std::optional<CredentialSight> Reconciler::look_at_credential_file() {
    if (!state_ || !state_->current) return std::nullopt;
    const auto sight = world_.sink.look(credential());
    return sight ? std::optional(*sight) : std::nullopt;
}

Snapshot Reconciler::snapshot_of(Decision decision) const {
    Snapshot snapshot;
    snapshot.decision = std::move(decision);
    snapshot.changed = changed_;
    if (!state_ || !state_->current) return snapshot;
    snapshot.key_name = state_->current->key.name;
    snapshot.key_id = state_->current->key.id;
    snapshot.generation = state_->current->key.generation;
    snapshot.usable = state_->current->published_at && sight_ == CredentialSight::Matches;
    return snapshot;
}

void Reconciler::tell(const Decision& decision) {
    const bool news = !told_ || told_->reason != decision.reason || told_->detail != decision.detail;
    if (!news) return;
    ports::Event event{.severity = severity_of(decision), .name = name_of(decision.reason), .message = {}};
    event.message = std::string(sentence_of(decision.reason));
    if (!decision.detail.empty()) event.message += ": " + decision.detail;
    if (decision.again)
        event.fields.emplace_back("again_in", format_duration(*decision.again - world_.clock.boot_now()));
    world_.reporter.report(event);
    told_ = decision;
}

void Reconciler::tell_of(std::string_view name, std::string message, const Key& key) {
    world_.reporter.report({.severity = ports::Severity::Notice,
                            .name = name,
                            .message = std::move(message),
                            .fields = {{"key_name", key.name}, {"key_id", key.id}}});
}

void Reconciler::note_failure(Action action, const Error& error) {
    Failure& failure = failures_[action];
    failure.reason = reason_for(action, error.kind);
    failure.message = error.message;
    failure.asked_for = error.retry_after || error.kind == ErrorKind::RateLimited;
    ++failure.count;
    failure.retry_at = world_.clock.boot_now() + back_off(error, failure.count, setup_.identity.device);
}

void Reconciler::rest() {
    world_.service.rest();
    listed_.reset();
}

}  // namespace devkey::engine
