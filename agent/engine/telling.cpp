// What the log is told: what was decided, and what was done to which key.
#include <utility>

#include "engine/reconciler.hpp"
#include "engine/steps.hpp"

namespace devkey::engine {

using namespace core;

namespace {

/// A state that a person asked for is no trouble.
bool is_as_asked(Reason reason) {
    return reason == Reason::Decommissioned || reason == Reason::Paused ||
           reason == Reason::KeyDisabledByPerson;
}

ports::Severity severity_of(const Decision& decision) {
    if (is_as_asked(decision.reason)) return ports::Severity::Notice;
    if (decision.action == Action::Hold) return ports::Severity::Error;
    if (decision.reason == Reason::Healthy) return ports::Severity::Info;
    const bool lags =
        decision.reason == Reason::NewKeyNotAcceptedYet || decision.reason == Reason::TooEarlyToTell;
    return lags ? ports::Severity::Info : ports::Severity::Warning;
}

}  // namespace

void Reconciler::tell(const Decision& decision) {
    // Each try that failed is told: no wait goes on in silence.
    const bool news = !told_ || told_->reason != decision.reason || told_->detail != decision.detail ||
                      decision.failures > told_->failures;
    if (!news) return;
    ports::Event event{.severity = severity_of(decision), .name = name_of(decision.reason), .message = {}};
    event.message = std::string(sentence_of(decision.reason));
    if (!decision.detail.empty()) event.message += ": " + decision.detail;
    if (decision.again)
        event.fields.emplace_back("again_in", format_duration(*decision.again - world_.clock.boot_now()));
    if (decision.failures > 0) event.fields.emplace_back("attempt", std::to_string(decision.failures));
    name_key(event, key_told_of(seen_.state, decision));
    world_.reporter.report(event);
    told_ = decision;
    tell_of_failure(decision);
}

void Reconciler::tell_of(std::string_view name, std::string message, const Key& key) {
    ports::Event event{.severity = ports::Severity::Notice, .name = name, .message = std::move(message)};
    name_key(event, key);
    event.fields.emplace_back("reason", name_of(latest_.reason));
    if (setup_.fingerprint && !key.secret.empty())
        event.fields.emplace_back("key_fingerprint", setup_.fingerprint(key.secret));
    world_.reporter.report(event);
}

void Reconciler::tell_of_rollback(const CurrentKey& given_up, const Key& back) {
    ports::Event event{.severity = ports::Severity::Warning,
                       .name = "rolled-back",
                       .message = "the device's programs can't take the new key " + given_up.key.name +
                                  ": the earlier key " + back.name +
                                  " is in use again: " + given_up.told.message};
    name_key(event, back);
    event.fields.emplace_back("reason", name_of(Reason::HookKeepsFailing));
    event.fields.emplace_back("given_up_key_name", given_up.key.name);
    event.fields.emplace_back("given_up_key_id", given_up.key.id);
    event.fields.emplace_back("given_up_generation", std::to_string(given_up.key.generation));
    world_.reporter.report(event);
}

}  // namespace devkey::engine
