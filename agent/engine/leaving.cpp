// The actions that switch a device off, for a while or for good. Read them with a crash in mind, too.
#include <utility>

#include "core/leaving.hpp"
#include "engine/reconciler.hpp"
#include "engine/steps.hpp"

namespace devkey::engine {

using namespace core;

namespace {

bool is_off_already(const CurrentKey& key) {
    return key.standing == Standing::SwitchedOff || key.standing == Standing::DisabledOutside;
}

}  // namespace

Reconciler::Done Reconciler::set_standing(Standing standing) {
    State next = *seen_.state;
    next.current->standing = standing;
    return save(std::move(next));
}

Result<Standing> Reconciler::standing_before_us(const Key& key) {
    const auto there = world_.service.get(key.id);
    if (!there && there.error().kind != ErrorKind::NotFound) return std::unexpected(there.error());
    if (is_too_young_to_tell(key)) return too_young();
    if (!there) return Standing::DeletedOutside;
    return there->enabled ? Standing::Enabled : Standing::DisabledOutside;
}

Reconciler::Done Reconciler::switch_off() {
    if (auto in = log_in_as_owner(); !in) return in;
    const Key key = seen_.state->current->key;
    const bool again = seen_.state->current->standing == Standing::SwitchingOff;
    const bool asked = latest_.reason == Reason::DisableAsked;
    if (asked && is_off_already(*seen_.state->current)) return keep_off();
    if (!again) {
        // Who disabled it before us may enable it again: not we. A person who asks knows what they do.
        const auto standing = asked ? Result<Standing>(Standing::Enabled) : standing_before_us(key);
        if (!standing) return std::unexpected(standing.error());
        if (*standing != Standing::Enabled) return set_standing(*standing);
        // Written down first: after a crash it is known that it was we.
        State next = *seen_.state;
        next.current->standing = Standing::SwitchingOff;
        next.current->last_beat = seen_.beat.transform(writable);
        next.current->off_by_person = asked;
        if (auto saved = save(std::move(next)); !saved) return saved;
    }
    const auto disabled = world_.service.disable(key.id);
    const bool gone = !disabled && disabled.error().kind == ErrorKind::NotFound;
    if (!disabled && !gone) {
        // What was definitely refused never happened: who disables the key from now on isn't we.
        const bool refused = disabled.error().kind != ErrorKind::OutcomeUnknown && !again;
        if (refused)
            if (auto saved = set_standing(Standing::Enabled); !saved) return saved;
        return std::unexpected(disabled.error());
    }
    changed_ = true;
    if (gone) return set_standing(Standing::DeletedOutside);
    const auto& can = world_.service.capabilities();
    State next = *seen_.state;
    next.current->standing = Standing::SwitchedOff;
    next.current->unsure_until = time().now + (again ? can.late_landing : can.read_lag);
    if (auto saved = save(std::move(next)); !saved) return saved;
    const bool by_person = seen_.state->current->off_by_person;
    tell_of("key-switched-off",
            std::string(sentence_of(by_person ? Reason::KeyDisabledByPerson : Reason::KeySwitchedOff)), key);
    return {};
}

Reconciler::Done Reconciler::keep_off() {
    State next = *seen_.state;
    next.current->standing = Standing::SwitchedOff;
    next.current->off_by_person = true;
    if (auto saved = save(std::move(next)); !saved) return saved;
    tell_of("key-switched-off", std::string(sentence_of(Reason::KeyDisabledByPerson)),
            seen_.state->current->key);
    return {};
}

Reconciler::Done Reconciler::decommission() {
    // The file first: as long as the state holds the secret, a crash leaves this to be done again.
    if (auto removed = world_.sink.remove(); !removed) return removed;
    changed_ = true;
    State next = known_state();
    if (!next.decommissioned_at) next.decommissioned_at = time().now;
    if (next.pending) next.superseded.push_back(old_key(next.pending->key));
    next.pending.reset();
    supersede_current(next);
    for (auto& key : next.superseded) key.secret = {};
    next.pause.reset();
    // A name that was used before may have made a key since: it is looked for.
    if (next.intent && next.intent->stage == Intent::Stage::Unsent)
        next.intent->stage = Intent::Stage::Landed;
    if (auto saved = save(std::move(next)); !saved) return saved;
    seen_.proof.reset();
    seen_.login_refused = false;
    world_.reporter.report({.severity = ports::Severity::Notice,
                            .name = name_of(Reason::DecommissionAsked),
                            .message =
                                "the credential file is removed and the secrets are forgotten; the keys "
                                "go next"});
    if (const auto others = words_of_others(seen_.state->others); !others.empty())
        world_.reporter.report({.severity = ports::Severity::Warning,
                                .name = name_of(Reason::OtherInstallation),
                                .message = others});
    return {};
}

Reconciler::Done Reconciler::recommission() {
    State next = *seen_.state;
    const bool same = change_of_identity(seen_).empty() && next.machine == setup_.machine;
    const auto left = keys_left(setup_.policy, next);
    if (!same) {
        // Another owner's keys are none of ours; only that no generation comes twice holds on.
        next = fresh_state();
        next.last_generation = seen_.state->last_generation;
    }
    next.decommissioned_at.reset();
    next.refused_keys = 0;
    const Identity then = seen_.state->identity;
    if (auto saved = save(std::move(next)); !saved) return saved;
    seen_.failures.clear();
    seen_.in_vain.clear();
    world_.reporter.report({.severity = ports::Severity::Notice,
                            .name = name_of(Reason::RecommissionAsked),
                            .message = std::string(sentence_of(Reason::RecommissionAsked))});
    if (!left.empty())
        world_.reporter.report({.severity = ports::Severity::Warning,
                                .name = "keys-left-behind",
                                .message = "keys of the time before are left behind, at " + then.service +
                                           ", app '" + then.app + "', owner '" + then.owner +
                                           "', for a person to remove: " + listing(left)});
    return {};
}

}  // namespace devkey::engine
