// What the rules share, and their names: only planner.cpp and the rules include this.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/planner.hpp"

namespace devkey::core::rule {

using Answer = std::optional<Decision>;

/// Clocks of several machines may differ by this much without anything being wrong.
inline constexpr Millis clocks_differ = std::chrono::minutes{5};

[[nodiscard]] Answer act(Action action, Reason reason, std::string detail = {}, std::string target = {});
[[nodiscard]] Answer wait_until(BootInstant again, Reason reason, std::string detail = {},
                                std::string target = {});
[[nodiscard]] Answer hold(Reason reason, std::string detail);

/// `decision`, unless it failed lately: then it has to wait, and the wait has the failure's reason.
[[nodiscard]] Decision not_before_its_time(Decision decision, const Observation& seen);

/// Two reasons to wait: the first that isn't health is told, and the earlier time counts.
void add(Decision& waiting, Decision more);

/// Of the answers about several keys: to do what failed least often; if none has anything to do, to wait.
[[nodiscard]] Answer best_of(std::vector<Answer> answers, const Observation& seen);

/// The best of what `decide` answers about each key.
template <class Keys, class Decide>
[[nodiscard]] Answer first_of(const Keys& keys, const Observation& seen, Decide decide) {
    std::vector<Answer> answers;
    for (const auto& key : keys) answers.push_back(decide(key));
    return best_of(std::move(answers), seen);
}

/// What is fixed for this device, `what` for what: at least none, less than `whole`.
[[nodiscard]] Millis share_of(Millis whole, const Observation& seen, std::string_view what);

/// `action`, which rests on the time having come: first the service is asked for the time, unless it told it.
[[nodiscard]] Answer act_on_trusted_time(const Observation& seen, Action action, Reason reason,
                                         std::string detail, std::string target = {});

/// As long as an unanswered create of the key's name may still land, the key has to keep the name taken: the
/// wait for that; none: it may be removed.
[[nodiscard]] Answer echo_of(const OldKey& key, const Observation& seen);

using Rules = std::initializer_list<Answer (*)(const Policy&, const Observation&)>;

/// `held`, but for what one of these rules has to do now; it looks again when the earliest of them wants to.
/// One that failed lately waits within the hold: else the rules further down would have their turn meanwhile.
[[nodiscard]] Answer hold_but_for(Decision held, Rules rules, const Policy& policy, const Observation& seen);

/// The published key, if there is one and nothing about it is half done.
[[nodiscard]] const CurrentKey* settled_key(const Observation& seen);

// about the state, and new keys
[[nodiscard]] Answer state_is_readable(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer machine_is_the_same(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer identity_is_the_same(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer credential_file_is_whole(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer state_can_be_saved(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer new_key_logs_in(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer current_key_is_published(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer stray_is_removed(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer stray_is_found(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer unanswered_create_is_settled(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer no_twin_is_seen(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer new_keys_do_not_keep_failing(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer service_is_asked_first(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer key_is_created(const Policy& policy, const Observation& seen);

// about keys that are there
[[nodiscard]] Answer times_are_plausible(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer refused_key_is_looked_up(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer outside_change_is_answered(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer leaked_keys_go(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer superseded_keys_go(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer other_installations_go(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer key_logs_in(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer key_is_listed(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer time_is_known(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer rotation_is_awaited(const Policy& policy, const Observation& seen);

// about a device that is silent, or leaves
[[nodiscard]] Answer silence_is_answered(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer decommissioned_device_rests(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer decommission_is_begun(const Policy& policy, const Observation& seen);
/// What a person asked for that changes nothing on any service.
[[nodiscard]] Answer leaves_under_another_identity(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer decommissioned_keys_go(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer others_are_known(const Policy& policy, const Observation& seen);

// what a person asks for
[[nodiscard]] Answer said_is_noted(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer pause_is_kept(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer key_is_switched_as_asked(const Policy& policy, const Observation& seen);
[[nodiscard]] Answer rollback_is_begun(const Policy& policy, const Observation& seen);

// about programs that are run for the policy
[[nodiscard]] Answer programs_are_told(const Policy& policy, const Observation& seen);
/// Before an old key goes; none: they have been, or nobody has to be.
[[nodiscard]] Answer programs_are_warned(const Policy& policy, const OldKey& key);
/// Whether a required hook hasn't succeeded yet for the current key.
[[nodiscard]] bool waits_for_programs(const Policy& policy, const Observation& seen);

/// Whether there is a key to go back to, and no request to disable it can be on its way any more.
[[nodiscard]] bool may_go_back(const Observation& seen);

/// The key is enabled for `reason`, once no earlier request to disable it can be on its way any more.
[[nodiscard]] Answer enable_when_sure(const CurrentKey& key, const Observation& seen, Reason reason);

/// Whether a person wants nothing done by the schedule now.
[[nodiscard]] bool is_paused(const Observation& seen);

/// No create is under way, and no new key waits to be proven or published.
[[nodiscard]] bool nothing_is_half_done(const Observation& seen);

/// Whether the device's program has been silent for so long that its key is replaced.
[[nodiscard]] bool silence_asks_for_a_key(const Policy& policy, const Observation& seen);

/// Whether the device is being, or was, taken out of service.
[[nodiscard]] bool is_leaving(const Observation& seen);

/// Why a new key has to be made now; none: it hasn't.
[[nodiscard]] std::optional<Reason> need_of_a_key(const Policy& policy, const Observation& seen);

}  // namespace devkey::core::rule
