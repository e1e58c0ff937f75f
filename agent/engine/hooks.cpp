// Programs that the policy has run: what they are told, and what becomes of a failure.
#include <algorithm>
#include <utility>

#include "engine/reconciler.hpp"
#include "engine/steps.hpp"

namespace devkey::engine {

using namespace core;

namespace {

// Of the same failure in a row: what passes by itself isn't told.
constexpr unsigned failures_to_tell = 3;

bool is_failure(const Decision& decision) {
    if (decision.reason == Reason::Decommissioned || decision.reason == Reason::Paused) return false;
    return decision.action == Action::Hold || decision.failures >= failures_to_tell;
}

void note(Told& told, const Result<void>& ran) {
    if (ran)
        told = {.done = true};
    else
        told = {.failures = told.failures + 1, .message = ran.error().message};
}

/// Of the key that the current one has replaced, and of no earlier one.
void restart_grace(State& state, Instant now) {
    for (auto& old : state.superseded)
        if (!old.disabled_at && old.superseded_at && *old.superseded_at >= *state.current->published_at)
            old.superseded_at = now;
}

}  // namespace

ports::HookFacts Reconciler::facts_of(std::string_view hook, const std::string& id, const std::string& name,
                                      std::uint32_t generation) const {
    return {{"DEVKEYD_HOOK", std::string(hook)},
            {"DEVKEYD_DEVICE", setup_.identity.device},
            {"DEVKEYD_KEY_ID", id},
            {"DEVKEYD_KEY_NAME", name},
            {"DEVKEYD_GENERATION", std::to_string(generation)},
            {"DEVKEYD_REASON", std::string(name_of(latest_.reason))}};
}

Reconciler::Done Reconciler::tell_programs() {
    const Hook& hook = *setup_.policy.hooks.after_publish;
    const Key key = seen_.state->current->key;
    const auto ran = world_.hooks.run(hook, facts_of("after_publish", key.id, key.name, key.generation));
    if (!ran && ran.error().kind == ErrorKind::TooEarly) return ran;
    State next = *seen_.state;
    note(next.current->told, ran);
    // Who waits for the programs gives them the whole grace.
    if (ran && hook.required && time().trust == ClockTrust::Server) restart_grace(next, time().now);
    if (auto saved = save(std::move(next)); !saved) return saved;
    if (ran) tell_of("programs-told", "the programs that use the key have been told of it", key);
    return ran;
}

Reconciler::Done Reconciler::warn_programs(const std::string& id) {
    State next = *seen_.state;
    const auto old = std::ranges::find(next.superseded, id, &OldKey::id);
    if (old == next.superseded.end())
        return fail(ErrorKind::Corrupt, "the state doesn't know the key that was to go");
    const auto ran = world_.hooks.run(*setup_.policy.hooks.before_disable,
                                      facts_of("before_disable", old->id, old->name, old->generation));
    if (!ran && ran.error().kind == ErrorKind::TooEarly) return ran;
    note(old->told, ran);
    if (auto saved = save(std::move(next)); !saved) return saved;
    return ran;
}

void Reconciler::tell_of_failure(const Decision& decision) {
    const auto& hook = setup_.policy.hooks.on_failure;
    if (decision.reason == Reason::Healthy) told_failure_.reset();
    if (!hook || !is_failure(decision) || told_failure_ == decision.reason) return;
    told_failure_ = decision.reason;
    const auto* current = seen_.state && seen_.state->current ? &seen_.state->current->key : nullptr;
    const auto facts = current == nullptr
                           ? facts_of("on_failure", "", "", 0)
                           : facts_of("on_failure", current->id, current->name, current->generation);
    // Not again: it is told in the log anyway, and what is told of may last.
    const auto ran = world_.hooks.run(*hook, facts);
    if (ran) return;
    ports::Event event{.severity = ports::Severity::Warning,
                       .name = name_of(Reason::HookFailed),
                       .message = "hooks.on_failure: " + ran.error().message};
    if (current != nullptr) name_key(event, *current);
    world_.reporter.report(event);
}

}  // namespace devkey::engine
