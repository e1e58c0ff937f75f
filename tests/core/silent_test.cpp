// The planner on a device that is silent, or taken out of service; and how silence is measured.
#include <gtest/gtest.h>

#include "core/pulse.hpp"
#include "core/situations.hpp"

namespace devkey::core {

using std::chrono::days;

namespace {

constexpr Instant today{days{20000}};
constexpr BootInstant late{days{100}};

/// The agent has run for long, and knows the time.
Observation silent_since(Millis silence, Standing standing = Standing::Enabled) {
    return but(healthy(), [=](Observation& seen) {
        seen.boot_now = late;
        seen.time = {.now = today, .trust = ClockTrust::Server};
        seen.started = BootInstant{};
        seen.silent_for = seen.beat_ago = silence;
        seen.beat = today - silence;
        seen.state->current->standing = standing;
    });
}

/// Switched off, with the last beat stamped three hours ago; the file shows a beat that the agent didn't see
/// come.
Observation after_a_restart(Instant stamp) {
    return but(silent_since(1h, Standing::SwitchedOff), [=](Observation& seen) {
        seen.beat_ago.reset();
        seen.beat = stamp;
        seen.state->current->last_beat = today - 3h;
    });
}

Observation decommissioned() {
    return but(with_state(), [](Observation& seen) { seen.state->decommissioned_at = Instant{}; });
}

Observation with_request(Observation seen, Request request) {
    seen.asked.request = request;
    return seen;
}

void add_old_key(Observation& seen) {
    seen.state->superseded.push_back({.id = "old",
                                      .name = "devkey-dev-abc234-1-old2",
                                      .generation = 1,
                                      .superseded_at = std::nullopt,
                                      .disabled_at = std::nullopt});
}

void name_another_owner(Observation& seen) {
    seen.identity.owner = "local-userpass:b";
}

void see_another_owner(Observation& seen) {
    seen.owner_id = "other";
}

void move_to_another_machine(Observation& seen) {
    seen.machine = "other";
}

void add_other_key(Observation& seen) {
    seen.state->others.push_back({.id = "x", .name = "devkey-dev-zzzzzz-1-aaaa", .seen_at = today});
}

}  // namespace

namespace {

std::vector<Line> asked_under_another_identity() {
    using O = Observation&;
    return {
        {"decommission asked, settings of another owner",
         with_request(but(healthy(), name_another_owner), Request::Decommission), Action::Decommission,
         Reason::DecommissionAsked},
        {"the same, on another machine, too",
         with_request(but(but(healthy(), name_another_owner), move_to_another_machine),
                      Request::Decommission),
         Action::Hold, Reason::CloneSuspected},
        {"decommission asked, settings of another owner, state not saved",
         with_request(but(but(healthy(), name_another_owner), [](O seen) { seen.state_unsaved = true; }),
                      Request::Decommission),
         Action::TrialSave, Reason::StateNotSaved},
        {"decommission asked, settings of another owner, and the file can't be removed",
         with_request(but(but(with_intent(Intent::Stage::Found), name_another_owner),
                          [](O seen) {
                              seen.failures[Action::Decommission] = {Reason::DiskRefuses, "", 1, now + 1s};
                          }),
                      Request::Decommission),
         Action::Idle, Reason::DiskRefuses},
        {"a key left, settings of another owner", but(but(decommissioned(), add_old_key), name_another_owner),
         Action::Hold, Reason::IdentityChanged},
        {"a key left, another owner at the service",
         but(but(decommissioned(), add_old_key), see_another_owner), Action::Hold, Reason::IdentityChanged},
        {"nothing left, settings of another owner",
         but(decommissioned(), [](O seen) { seen.identity.owner = "local-userpass:b"; }), Action::Hold,
         Reason::Decommissioned},
        {"recommission asked, a key left, settings of another owner",
         with_request(but(but(decommissioned(), add_old_key), name_another_owner), Request::Recommission),
         Action::Recommission, Reason::RecommissionAsked},
        {"recommission asked, a key left, another owner at the service",
         with_request(but(but(decommissioned(), add_old_key), see_another_owner), Request::Recommission),
         Action::Recommission, Reason::RecommissionAsked},
        {"recommission asked, a key left, settings of another owner, on another machine",
         with_request(
             but(but(but(decommissioned(), add_old_key), name_another_owner), move_to_another_machine),
             Request::Recommission),
         Action::Hold, Reason::CloneSuspected},
        {"recommission asked of a device in service, settings of another owner",
         with_request(but(healthy(), name_another_owner), Request::Recommission), Action::Hold,
         Reason::IdentityChanged},
    };
}

std::vector<Line> asked_under_its_own() {
    using O = Observation&;
    const auto all_known = [](O seen) { seen.asked.others_known = true; };
    return {
        {"decommission asked", with_request(healthy(), Request::Decommission), Action::Decommission,
         Reason::DecommissionAsked},
        {"decommission asked of a device that never had a key", with_request(blank(), Request::Decommission),
         Action::Decommission, Reason::DecommissionAsked},
        {"decommission asked, file gone, state not saved",
         with_request(but(healthy(),
                          [](O seen) {
                              seen.credential_file = CredentialSight::Missing;
                              seen.state_unsaved = true;
                          }),
                      Request::Decommission),
         Action::TrialSave, Reason::StateNotSaved},
        {"a key left", but(decommissioned(), add_old_key), Action::RemoveKey, Reason::DecommissionAsked},
        {"a create of before",
         but(with_intent(Intent::Stage::Sent), [](O seen) { seen.state->decommissioned_at = Instant{}; }),
         Action::FindStray, Reason::LateLandingPossible},
        {"its key",
         but(with_pending(PendingKey::Stage::Received),
             [](O seen) { seen.state->decommissioned_at = Instant{}; }),
         Action::Decommission, Reason::DecommissionAsked},
        {"nothing left", decommissioned(), Action::Hold, Reason::Decommissioned},
        {"recommission asked", with_request(decommissioned(), Request::Recommission), Action::Recommission,
         Reason::RecommissionAsked},
        {"recommission asked, a key left",
         with_request(but(decommissioned(), add_old_key), Request::Recommission), Action::RemoveKey,
         Reason::DecommissionAsked},
        {"recommission asked of a device in service", with_request(healthy(), Request::Recommission),
         Action::Idle, Reason::Healthy},
        {"take-over asked", with_request(healthy(), Request::TakeOver), Action::CheckListed,
         Reason::TakeOverAsked},
        {"take-over asked before the first key", with_request(blank(), Request::TakeOver),
         Action::CheckListed, Reason::TakeOverAsked},
        {"take-over asked, another's key known",
         but(but(with_request(healthy(), Request::TakeOver), all_known), add_other_key), Action::RemoveKey,
         Reason::TakeOverAsked},
        {"take-over asked, nobody else there", but(with_request(healthy(), Request::TakeOver), all_known),
         Action::Idle, Reason::Healthy},
        {"take-over asked, a twin seen",
         but(with_request(healthy(), Request::TakeOver),
             [](O seen) { seen.state->twin = "devkey-dev-abc234-9-x"; }),
         Action::Hold, Reason::CloneSuspected},
    };
}

}  // namespace

std::vector<Line> asked() {
    auto all = asked_under_its_own();
    const auto more = asked_under_another_identity();
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

TEST(Planner, NamesTheDecommissionedKeysThatAreLeftAtAnotherIdentity) {
    const auto seen = but(but(decommissioned(), add_old_key), name_another_owner);
    const auto detail = plan(no_schedule(), seen).detail;
    EXPECT_TRUE(detail.contains("owner is now 'local-userpass:b'")) << detail;
    EXPECT_TRUE(detail.contains("devkey-dev-abc234-1-old2")) << detail;
    EXPECT_TRUE(detail.contains("--recommission leaves them behind")) << detail;
}

TEST(Planner, NamesTheKeysOfOtherInstallationsThatADecommissionedDeviceLeavesAlone) {
    const auto detail = plan(no_schedule(), but(decommissioned(), add_other_key)).detail;
    EXPECT_TRUE(detail.contains("devkey-dev-zzzzzz-1-aaaa")) << detail;
    EXPECT_TRUE(detail.contains("--take-over")) << detail;
    EXPECT_FALSE(plan(no_schedule(), decommissioned()).detail.contains("--take-over"));
}

Policy with_heartbeat() {
    Policy policy = no_schedule();
    policy.watchdog.heartbeat =
        HeartbeatPolicy{.file = "/run/alive", .stale_after = 72h, .then = HeartbeatPolicy::Then::Disable};
    return policy;
}

std::vector<Line> silent() {
    using O = Observation&;
    const auto no_trust = [](O seen) { seen.time.trust = ClockTrust::Synchronised; };
    const auto just_started = [](O seen) { seen.started = late - 14min; };
    const auto gone = [](O seen) { seen.beat.reset(), seen.beat_ago.reset(); };
    const auto just_now = [](O seen) { seen.state->current->unsure_until = today + 1min; };
    const Standing off = Standing::SwitchedOff;
    return {
        {"beats", silent_since(71h), Action::Idle, Reason::Healthy},
        {"silent", silent_since(72h), Action::SwitchOff, Reason::HeartbeatSilent},
        {"silent, on an untrusted clock", but(silent_since(72h), no_trust), Action::AskTime,
         Reason::HeartbeatSilent},
        {"silent, but only just back from a suspend", but(silent_since(72h), just_started), Action::Idle,
         Reason::Healthy},
        {"silent, but the first key is younger",
         but(silent_since(72h), [](O seen) { seen.state->current->published_at = today - 71h; }),
         Action::Idle, Reason::Healthy},
        {"nobody can tell", but(silent_since(72h), [](O seen) { seen.silent_for.reset(); }), Action::Idle,
         Reason::Healthy},
        {"silent, switching off", silent_since(72h, Standing::SwitchingOff), Action::SwitchOff,
         Reason::HeartbeatSilent},
        {"silent, switched off", silent_since(72h, off), Action::Idle, Reason::KeySwitchedOff},
        {"switched off, file gone", but(silent_since(1h, off), gone), Action::Idle, Reason::KeySwitchedOff},
        {"switched off, back", silent_since(1s, off), Action::EnableKey, Reason::HeartbeatReturned},
        {"switching off, back", silent_since(1s, Standing::SwitchingOff), Action::SwitchOff,
         Reason::HeartbeatSilent},
        {"switched off, restarted, a stamp of before", after_a_restart(today - 3h), Action::Idle,
         Reason::KeySwitchedOff},
        {"switched off, restarted, a stamp of since then", after_a_restart(today - 1h), Action::EnableKey,
         Reason::HeartbeatReturned},
        {"switched off, restarted, a stamp of since then, on an untrusted clock",
         but(after_a_restart(today + days{9}), no_trust), Action::AskTime, Reason::HeartbeatReturned},
        {"switched off, restarted, a stamp that lies ahead", after_a_restart(today + 1h), Action::Idle,
         Reason::KeySwitchedOff},
        {"switched off, a rotation asked",
         but(silent_since(72h, off), [](O seen) { seen.asked.rotation = true; }), Action::Idle,
         Reason::KeySwitchedOff},
        {"can't be looked at",
         but(silent_since(72h),
             [](O seen) {
                 seen.silent_for.reset();
                 seen.heartbeat_error = "/run/alive: permission denied";
             }),
         Action::Idle, Reason::HeartbeatUnreadable},
        {"switched off a moment ago, back", but(silent_since(1s, off), just_now), Action::Idle,
         Reason::DisableUnsettled},
        {"silent, but disabled outside", silent_since(72h, Standing::DisabledOutside), Action::Idle,
         Reason::KeyDisabledOutside},
    };
}

TEST(Planner, ObeysTheDeadMansSwitch) {
    for (const Line& line : silent()) {
        const auto decision = plan(with_heartbeat(), line.seen);
        EXPECT_EQ(decision.action, line.action) << line.situation << ": " << name_of(decision.reason);
        EXPECT_EQ(decision.reason, line.reason) << line.situation << ": " << name_of(decision.reason);
        const bool waits = decision.action == Action::Idle &&
                           (line.seen.silent_for || line.seen.heartbeat_error) &&
                           decision.reason != Reason::KeyDisabledOutside;
        EXPECT_EQ(waits, decision.again.has_value()) << line.situation;
    }
}

TEST(Planner, OnlyTellsOfSilenceWhereThePolicySaysSo) {
    auto policy = with_heartbeat();
    policy.watchdog.heartbeat->then = HeartbeatPolicy::Then::Alert;
    const auto decision = plan(policy, silent_since(72h));
    EXPECT_EQ(decision.action, Action::Idle);
    EXPECT_EQ(decision.reason, Reason::HeartbeatSilent);
    EXPECT_EQ(decision.again, late + 1min);
}

TEST(Planner, RotatesOnceForEachSilence) {
    auto policy = with_heartbeat();
    policy.watchdog.heartbeat->then = HeartbeatPolicy::Then::Rotate;
    auto seen = silent_since(73h);
    seen.state->current->key.created_at = today - 38h;
    EXPECT_EQ(plan(policy, seen).action, Action::AskService);
    EXPECT_EQ(plan(policy, seen).reason, Reason::HeartbeatSilent);
    seen.time.trust = ClockTrust::Floor;
    EXPECT_EQ(plan(policy, seen).action, Action::AskTime);
    seen.state->current->key.created_at = today - 1h - 2s;  // made when the switch tripped, by a clock that
    EXPECT_EQ(plan(policy, seen).action, Action::Idle);     // is a little behind
    EXPECT_EQ(plan(policy, seen).reason, Reason::HeartbeatSilent);
}

TEST(Planner, LeavesASwitchedOffKeyToAPersonWhereThePolicySaysSo) {
    auto policy = with_heartbeat();
    policy.watchdog.heartbeat->on_return = HeartbeatPolicy::OnReturn::Hold;
    const auto decision = plan(policy, silent_since(1s, Standing::SwitchedOff));
    EXPECT_EQ(decision.action, Action::Idle);
    EXPECT_EQ(decision.reason, Reason::KeySwitchedOff);
}

TEST(Planner, EnablesASwitchedOffKeyWhenTheSwitchIsTakenOut) {
    EXPECT_EQ(plan(no_schedule(), silent_since(100h, Standing::SwitchedOff)).action, Action::EnableKey);
}

TEST(Planner, DisablesTheKeysOfADecommissionedDeviceWhereThePolicySaysSo) {
    auto policy = no_schedule();
    policy.decommission = Policy::Decommission::Disable;
    auto seen = but(decommissioned(), add_old_key);
    EXPECT_EQ(plan(policy, seen).action, Action::DisableKey);
    seen.state->superseded.front().disabled_at = today;
    EXPECT_EQ(plan(policy, seen).reason, Reason::Decommissioned);
}

TEST(Planner, MakesNoKeyForADecommissionedDeviceWhoseOldOnesCannotGoYet) {
    auto seen = but(decommissioned(), add_old_key);
    seen.listed.emplace();
    seen.failures[Action::RemoveKey] = {Reason::ServiceUnavailable, "503", 1, now + 1min};
    EXPECT_EQ(plan(no_schedule(), seen).action, Action::Idle);
    EXPECT_EQ(plan(no_schedule(), seen).reason, Reason::ServiceUnavailable);
}

/// One look after another, each some time after the last.
struct Looks {
    std::optional<Pulse> pulse;
    Moment now{.wall = today, .boot = BootInstant{1h}};

    void look(std::optional<Instant> beat, Millis after = {}) {
        now.boot += after;
        now.wall += after;
        pulse = look_again(pulse, beat, now);
    }
    [[nodiscard]] Millis silence() const { return silent_for(*pulse, now); }
    [[nodiscard]] std::optional<Millis> ago() const { return beat_ago(*pulse, now); }
};

TEST(Pulse, OfAMissingFileCountsFromBoot) {
    Looks looks;
    looks.look({});
    EXPECT_EQ(looks.silence(), 1h);
    EXPECT_EQ(looks.ago(), std::nullopt);
    looks.look({}, 5h);
    EXPECT_EQ(looks.silence(), 6h);
}

TEST(Pulse, OfAFileCountsFromItsTime) {
    Looks looks;
    looks.look(today - 10min);
    EXPECT_EQ(looks.silence(), 10min);
    looks.look(today - 10min, 2h);
    EXPECT_EQ(looks.silence(), 2h + 10min);
    looks.look(today + 3h, 2h);
    EXPECT_EQ(looks.silence(), 1h);
}

TEST(Pulse, OfAFileFromBeforeTheBootCountsFromTheBoot) {
    Looks looks;
    looks.look(today - days{9});
    EXPECT_EQ(looks.silence(), 1h);
    EXPECT_EQ(looks.ago(), std::nullopt);  // it wasn't seen to come
}

TEST(Pulse, IsNotFooledByAClockThatJumps) {
    for (const Millis jump : {Millis{days{365}}, Millis{-days{365}}, Millis{1h}}) {
        Looks looks;
        looks.look(today - 10min);
        looks.look(today + 1h - 10min, 1h);
        looks.now.wall += jump;
        looks.look(today + 1h - 10min, 1h);
        EXPECT_EQ(looks.silence(), 1h);  // since the look that showed it
        looks.look(looks.now.wall, 1h);  // it beats on, by the clock that jumped
        EXPECT_LE(looks.silence(), 1h);
    }
}

TEST(Pulse, IsNotFooledByAClockThatJumpsBetweenABeatAndTheLookAtIt) {
    Looks looks;
    looks.look(today);
    looks.now.wall += 5h;
    looks.look(today + 40min, 1h);
    EXPECT_EQ(looks.silence(), 0s);
    EXPECT_EQ(looks.ago(), 1h);
}

TEST(Pulse, OfAFileThatVanishesCountsFromItsLastBeat) {
    Looks looks;
    looks.look(today - 10min);
    looks.look({}, 1h);
    EXPECT_EQ(looks.silence(), 1h + 10min);
}

}  // namespace devkey::core
