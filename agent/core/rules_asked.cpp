// The rules about what a person asks for, beside a new key and taking the device out of service.
#include <algorithm>

#include "core/rules.hpp"

namespace devkey::core::rule {
namespace {

const CurrentKey* key_asked_about(const Observation& seen) {
    const CurrentKey* key = settled_key(seen);
    return key != nullptr && key->key.generation == seen.asked.generation ? key : nullptr;
}

std::string words_of(const Pause& pause) {
    if (!pause.until) return "until devkeyctl resume";
    return "until " + format_instant(writable(*pause.until)) + ", or devkeyctl resume";
}

}  // namespace

Answer said_is_noted(const Policy& /*policy*/, const Observation& seen) {
    if (is_leaving(seen)) return std::nullopt;
    const auto pause = seen.state ? seen.state->pause : std::nullopt;
    switch (seen.asked.request) {
        case Request::Pause:
            if (pause == Pause{seen.asked.until}) return std::nullopt;
            return act(Action::TakeNote, Reason::PauseAsked);
        case Request::Resume:
            if (!pause) return std::nullopt;
            return act(Action::TakeNote, Reason::ResumeAsked);
        case Request::Acknowledge: {
            const CurrentKey* key = key_asked_about(seen);
            if (key == nullptr || key->acknowledged_at) return std::nullopt;
            return act(Action::TakeNote, Reason::KeyAcknowledged, key->key.name);
        }
        default:
            return std::nullopt;
    }
}

Answer pause_is_kept(const Policy& policy, const Observation& seen) {
    if (!is_paused(seen)) return std::nullopt;
    const Pause& pause = *seen.state->pause;
    auto held = hold(Reason::Paused, words_of(pause));
    if (pause.until) held->again = seen.boot_now + (*pause.until - seen.time.now);
    // What a person asks for meanwhile is done.
    return hold_but_for(*std::move(held),
                        {key_is_switched_as_asked, others_are_known, rollback_is_begun,
                         service_is_asked_first, key_is_created},
                        policy, seen);
}

Answer key_is_switched_as_asked(const Policy& /*policy*/, const Observation& seen) {
    const CurrentKey* settled = settled_key(seen);
    // Whatever was begun is finished first: a request to disable that is still on its way must not meet a key
    // that was enabled again.
    if (settled != nullptr && settled->standing == Standing::SwitchingOff)
        return act(Action::SwitchOff, settled->off_by_person ? Reason::DisableAsked : Reason::HeartbeatSilent,
                   settled->key.name);
    const CurrentKey* key = key_asked_about(seen);
    if (key == nullptr || key->standing == Standing::DeletedOutside) return std::nullopt;
    const bool off = key->standing == Standing::SwitchedOff;
    if (seen.asked.request == Request::Disable && !(off && key->off_by_person))
        return act(Action::SwitchOff, Reason::DisableAsked, key->key.name);
    if (seen.asked.request == Request::Enable && key->standing != Standing::Enabled)
        return enable_when_sure(*key, seen, Reason::EnableAsked);
    return std::nullopt;
}

Answer enable_when_sure(const CurrentKey& key, const Observation& seen, Reason reason) {
    const bool unsure =
        seen.time.trust == ClockTrust::Server && key.unsure_until && seen.time.now < *key.unsure_until;
    if (unsure)
        return wait_until(seen.boot_now + (*key.unsure_until - seen.time.now), Reason::DisableUnsettled,
                          key.key.name);
    return act_on_trusted_time(seen, Action::EnableKey, reason, key.key.name);
}

Answer rollback_is_begun(const Policy& /*policy*/, const Observation& seen) {
    if (seen.asked.request != Request::Rollback || !nothing_is_half_done(seen)) return std::nullopt;
    const CurrentKey* key = key_asked_about(seen);
    if (key == nullptr || is_switched_off(key->standing)) return std::nullopt;
    const OldKey* back = key_to_return_to(*seen.state);
    if (back == nullptr) return std::nullopt;
    if (back->unsure_until) {
        if (seen.time.trust != ClockTrust::Server)
            return act(Action::AskTime, Reason::DisableUnsettled, back->name);
        if (seen.time.now < *back->unsure_until)
            return wait_until(seen.boot_now + (*back->unsure_until - seen.time.now), Reason::DisableUnsettled,
                              back->name, back->id);
    }
    return act(Action::RollBack, Reason::RollbackAsked, back->name);
}

bool may_go_back(const Observation& seen) {
    if (!nothing_is_half_done(seen) || seen.state->twin) return false;
    const OldKey* back = key_to_return_to(*seen.state);
    if (back == nullptr) return false;
    const bool known = seen.time.trust == ClockTrust::Server;
    return !back->unsure_until || (known && *back->unsure_until <= seen.time.now);
}

bool is_paused(const Observation& seen) {
    if (!seen.state || !seen.state->pause) return false;
    const auto& until = seen.state->pause->until;
    return !until || seen.time.now < *until;
}

}  // namespace devkey::core::rule
