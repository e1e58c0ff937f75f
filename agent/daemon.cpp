#include "daemon.hpp"

#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "control/plan_json.hpp"
#include "host/owner_secret.hpp"
#include "storage/state_file.hpp"

namespace devkey {

using engine::Snapshot;
using engine::Trigger;
using namespace std::chrono_literals;

namespace {

// We promise to end within 2 s: this leaves time to be torn down.
constexpr core::Millis worker_may_take = 1500ms;
// To end the pass that it rehearses.
constexpr core::Millis planner_may_take = 200ms;
// To bring a request to disk. Then another pass finds it done, and it is tried again to forget it.
constexpr core::Millis writer_may_take = 100ms;

ports::Event event_of(const core::Asking& asking) {
    ports::Event event{
        .severity = ports::Severity::Notice,
        .name = "asked",
        .message = "somebody asked for something: it is written down, and done as soon as it can be",
        .fields = {{"request", std::string(core::name_of(asking.request))}, {"by", asking.by}}};
    if (!asking.why.empty()) event.fields.emplace_back("why", asking.why);
    if (core::names_a_generation(asking.request))
        event.fields.emplace_back("generation", std::to_string(asking.generation));
    if (asking.compromised) event.fields.emplace_back("compromised", "true");
    if (asking.until) event.fields.emplace_back("until", core::format_instant(core::writable(*asking.until)));
    return event;
}

}  // namespace

Daemon::Daemon(const Flags& flags, SettingsPointer settings, const Shared& shared, host::Signals& signals,
               host::Wake& stop, Reload reload)
    : flags_(flags),
      shared_(shared),
      signals_(signals),
      stop_(stop),
      reload_(std::move(reload)),
      desk_(loop_, shared,
            {.status = [this] { return status(); },
             .agent = [this] { return agent_status(); },
             .record = [this](const core::Asking& asking) { return record(asking); },
             .reload = [this] { return this->reload(); },
             .look = [this] { ask(Trigger::Look); },
             .plan = [this](core::Millis span) { plan(span); }}),
      provider_(loop_, shared),
      wanted_(std::move(settings)),
      metrics_(shared.files, shared.reporter),
      worker_([this](const Request& request) { return work(request); },
              [](const Request& waiting, Request next) {
                  // The strongest of both: whoever asked for it still gets it.
                  next.trigger = std::max(waiting.trigger, next.trigger);
                  return next;
              }),
      planner_(
          [stop = stop_planning_.get_token()](const Planning& planning) {
              return control::format_plan(
                  plan_on_disk(*planning.settings, planning.known, planning.span, stop));
          },
          // The desk asks for one at a time.
          [](const Planning& /*waiting*/, Planning next) { return next; }) {}

Daemon::Answer Daemon::work(const Request& request) {
    if (request.settings != used_) {
        const auto done = use(request.settings);
        if (!done && !device_)
            return {std::unexpected(done.error()), request.settings, used_, request.asking};
        if (!done)
            shared_.reporter.report({ports::Severity::Error, "settings-kept",
                                     "the old settings stay in use: " + done.error().message});
    }
    auto snapshot = device_->pass(request.trigger, request.asking);
    metrics_.write(used_->metrics.textfile, snapshot.status);
    const bool leaves =
        flags_.once && !snapshot.more && !is_worth_waiting(snapshot.decision, shared_.clock.boot_now());
    if (leaves) device_->rest();  // no later pass does
    // What a handshake took isn't needed for hours.
    if (!leaves && !snapshot.more) ::malloc_trim(0);
    return {std::move(snapshot), request.settings, used_, request.asking};
}

core::Result<void> Daemon::use(const SettingsPointer& settings) {
    auto device = Device::make(*settings, shared_);
    if (!device) return std::unexpected(std::move(device.error()));
    if (device_) (*device)->succeed(*device_);
    device_ = *std::move(device);
    used_ = settings;
    return {};
}

Daemon::End Daemon::run() {
    loop_.watch(signals_.descriptor(), [this] { signalled(); });
    loop_.watch(worker_.descriptor(), [this] { answered(); });
    loop_.watch(planner_.descriptor(), [this] { planned(); });
    loop_.watch(timer_.descriptor(), [this] {
        timer_.clear();
        ask(Trigger::Due);
    });
    loop_.watch(clock_watch_.descriptor(), [this] {
        if (clock_watch_.was_set()) ask(Trigger::ClockSet);
    });
    loop_.watch(sockets_move_.descriptor(), [this] {
        sockets_move_.clear();
        open_sockets();
    });
    if (watchdog_.wanted()) loop_.watch(watchdog_.descriptor(), [this] { feed_watchdog(); });
    read_request();
    if (!flags_.once) {
        watch_files();
        open_sockets();
    }
    // What this run was started for must not end as what somebody else has asked for since.
    const auto there = asking_.request;
    if (flags_.request != core::Request::None && there != core::Request::None && there != flags_.request)
        leave(replaced_by(there));
    else
        ask(flags_.once ? Trigger::Retry : Trigger::Start);
    loop_.run();
    notify_.stopping();
    desk_.tell_of_counted();
    provider_.tell_of_counted();
    const bool back = stop_threads();
    return {std::move(outcome_), !back};
}

/// False: one of them is stuck.
bool Daemon::stop_threads() {
    stop_.set();
    shared_.interrupter.abort();
    stop_planning_.request_stop();
    return worker_.stop(worker_may_take) && planner_.stop(planner_may_take);
}

void Daemon::feed_watchdog() {
    // Never less than before: what is under way may go by the settings of before.
    longest_step_ = std::max(longest_step_, core::longest_step(*wanted_));
    auto progress = worker_.progress();
    progress.steps += shared_.interrupter.steps();
    watchdog_.look(std::chrono::steady_clock::now(), progress, longest_step_);
}

void Daemon::ask(Trigger trigger) {
    worker_.ask({trigger, wanted_, asking_});
}

void Daemon::read_request() {
    const auto found = storage::load_request(wanted_->state_directory);
    if (!found)
        shared_.reporter.report({ports::Severity::Error, "request-unreadable", found.error().message});
    asking_ = found.value_or(core::Asking{});
}

bool Daemon::forget_request() {
    const auto forgotten = storage::forget_request(shared_.files, wanted_->state_directory, asking_);
    if (!forgotten && forgotten.error().kind == core::ErrorKind::Unavailable) return false;
    if (!forgotten) {
        // Nothing is lost: what is done once more finds nothing to do.
        shared_.reporter.report({ports::Severity::Warning, "request-stays", forgotten.error().message});
        asking_ = {};
        return true;
    }
    // Another may have taken its place meanwhile: who runs next does it, if it isn't we.
    read_request();
    if (!flags_.once && asking_.request != core::Request::None) ask(Trigger::Retry);
    return true;
}

void Daemon::answered() {
    const auto answer = worker_.take();
    if (!answer) return;
    if (!answer->snapshot) {
        const auto& error = answer->snapshot.error();
        leave({.exit_code = exit_code_of(error.kind),
               .reason = std::string(core::name_of(error.kind)),
               .detail = error.message});
        return;
    }
    // An answer from before a reload says nothing about the settings asked for since.
    if (answer->asked == wanted_ && answer->used != wanted_) {
        wanted_ = answer->used;
        watch_files();
        sockets_move_.set();
    }
    const bool done = answer->snapshot->request_done && answer->asking == asking_;
    const bool stays = done && !forget_request();
    tell(*answer->snapshot);
    // Whoever wrote it has hardly let go of it.
    if (stays) timer_.set(shared_.clock.boot_now() + writer_may_take);
}

void Daemon::tell(const Snapshot& snapshot) {
    changed_ = changed_ || snapshot.changed;
    latest_ = snapshot;
    latest_at_ = shared_.clock.boot_now();
    notify_.status(core::headline_of(snapshot.status));
    // Who takes a device out of service doesn't want its boot to wait for a key.
    if (snapshot.usable || snapshot.decision.reason == core::Reason::Decommissioned) notify_.ready();
    if (snapshot.more) return ask(Trigger::Due);
    const auto now = shared_.clock.boot_now();
    if (flags_.once && !is_worth_waiting(snapshot.decision, now)) return leave(outcome_of(snapshot));
    if (snapshot.decision.again)
        timer_.set(*snapshot.decision.again);
    else
        timer_.clear();
    watch_what_was_not();
}

Outcome Daemon::outcome_of(const Snapshot& snapshot) const {
    const auto& decision = snapshot.decision;
    const bool as_asked =
        flags_.request == core::Request::Decommission && decision.reason == core::Reason::Decommissioned;
    return {
        .exit_code = as_asked ? 0 : exit_code_of(decision.reason),
        .reason = std::string(core::name_of(decision.reason)),
        .detail = decision.detail.empty() ? std::string(core::sentence_of(decision.reason)) : decision.detail,
        .changed = changed_,
        .key_id = snapshot.key_id,
        .key_name = snapshot.key_name,
        .generation = snapshot.generation,
        .credential_file = wanted_->credential_file.path};
}

void Daemon::leave(Outcome outcome) {
    if (outcome.exit_code != 0) notify_.status(outcome.reason + ": " + outcome.detail);
    outcome_ = std::move(outcome);
    loop_.leave();
}

void Daemon::signalled() {
    while (const auto signal = signals_.next()) {
        const bool ends = *signal == SIGTERM || *signal == SIGINT;
        if (flags_.once)
            leave({.exit_code = exit_later,
                   .reason = "interrupted",
                   .detail = "a signal ended it",
                   .changed = changed_});
        else if (ends)
            leave({});
        else if (*signal == SIGUSR1)
            asked_by_signal();
        else
            reload();
    }
}

core::Status Daemon::status() const {
    if (latest_) return core::later(latest_->status, shared_.clock.boot_now() - latest_at_);
    // Before the first pass has ended.
    const auto state = storage::look_at_state(wanted_->state_directory).value_or(std::nullopt);
    return status_on_disk(wanted_->policy, state, shared_.clock.now());
}

void Daemon::plan(core::Millis span) {
    const auto known = status();
    planner_.ask({.settings = wanted_,
                  .known = {.device = known.device,
                            .asking = asking_,
                            .slots = known.slots,
                            .now = known.now,
                            .trust = known.trust},
                  .span = span});
}

void Daemon::planned() {
    if (const auto line = planner_.take()) desk_.planned(*line);
}

control::AgentStatus Daemon::agent_status() const {
    return {.version = DEVKEY_VERSION,
            .pid = ::getpid(),
            .asking = asking_,
            .doing = latest_ && latest_->more ? std::string(core::name_of(latest_->decision.action)) : ""};
}

core::Result<void> Daemon::record(const core::Asking& asking) {
    const auto saved =
        storage::save_request(shared_.files, wanted_->state_directory, asking, storage::Patience::DontWait);
    if (!saved) return saved;
    shared_.reporter.report(event_of(asking));
    asking_ = asking;
    ask(Trigger::Retry);
    return {};
}

void Daemon::asked_by_signal() {
    shared_.reporter.report({.severity = ports::Severity::Notice,
                             .name = "asked",
                             .message = "somebody asked for a new key",
                             .fields = {{"request", "rotate"}, {"by", "a signal"}}});
    ask(Trigger::Rotate);
}

bool Daemon::reload() {
    notify_.reloading();
    read_request();  // it may have gone unnoticed
    auto settings = reload_();
    const bool good = settings && settings->state_directory == wanted_->state_directory;
    if (good) {
        wanted_ = std::move(settings);
        watch_files();
        sockets_move_.set();
    } else {
        shared_.reporter.report(
            {ports::Severity::Error, "settings-kept",
             settings ? "the old settings stay in use: a changed state_directory needs a restart"
                      : "the old settings stay in use: the new ones are wrong"});
    }
    // Also when nothing of it can be used: whoever sends this signal may have mended something else.
    ask(Trigger::Retry);
    notify_.reloaded();
    return good;
}

void Daemon::open_sockets() {
    desk_.open(wanted_->control);
    provider_.open(wanted_);
}

void Daemon::watch_files() {
    for (const auto& watched : watched_) loop_.forget(watched.watch->descriptor());
    watched_.clear();
    if (wanted_->policy.watchdog.credential_file)
        watched_.emplace_back(wanted_->credential_file.path, Trigger::CredentialFile);
    const auto secret = host::path_of(wanted_->owner.secret, shared_.credentials_directory);
    if (secret) watched_.emplace_back(*secret, Trigger::OwnerSecret);
    watched_.emplace_back(storage::requests_path(wanted_->state_directory), Trigger::Retry);
    for (auto& watched : watched_) watch(watched);
    tell_of_blindness();
}

void Daemon::watch(Watched& watched) {
    auto& watch = *watched.watch;
    if (watch.descriptor() < 0) return;
    loop_.watch(watch.descriptor(), [this, &watch, trigger = watched.trigger] {
        if (watch.touched()) touched(trigger);
        tell_of_blindness();
    });
}

void Daemon::touched(Trigger trigger) {
    // Only requests.json asks by its content; and when it is we who removed it, nobody asks.
    const auto before = asking_;
    if (trigger == Trigger::Retry) read_request();
    if (trigger != Trigger::Retry || asking_ != before) ask(trigger);
}

// After each pass, and at no other time: blindness must not cost a wake-up.
void Daemon::watch_what_was_not() {
    for (auto& watched : watched_) {
        if (!watched.watch->blind()) continue;
        auto fresh = std::make_unique<host::FileWatch>(watched.path);
        if (fresh->blind()) continue;
        loop_.forget(watched.watch->descriptor());
        watched.watch = std::move(fresh);
        watch(watched);
        touched(watched.trigger);  // it may have been touched since the pass looked
    }
    tell_of_blindness();
}

// Once, until all is seen again.
void Daemon::tell_of_blindness() {
    const auto blind = std::ranges::find_if(
        watched_, [](const Watched& watched) { return watched.watch->blind().has_value(); });
    const bool news = blind != watched_.end() && !told_of_blindness_;
    told_of_blindness_ = blind != watched_.end();
    if (news)
        shared_.reporter.report({ports::Severity::Warning, "not-watched",
                                 blind->path + ": changes go unnoticed until the next pass or SIGHUP: " +
                                     blind->watch->blind()->message});
}

}  // namespace devkey
