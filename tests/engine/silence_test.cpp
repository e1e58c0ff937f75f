// The dead man's switch: a device whose program is silent is switched off for a while.
#include "engine/watched_device.hpp"

namespace devkey::engine {
namespace {

using core::HeartbeatPolicy;
using core::Reason;
using core::Request;
using core::Standing;
using Fault = fakes::Service::Fault;
using namespace std::chrono_literals;
using std::chrono::days;

struct Silence : WatchedDevice {};

TEST_F(Silence, ASilentProgramsKeyIsSwitchedOffAndOnAgainWhenItReturns) {
    world.live(days{10});
    EXPECT_TRUE(is_enabled());
    EXPECT_TRUE(world.service.called.empty());
    world.program.stop();
    world.live(72h - 1min);
    EXPECT_TRUE(is_enabled());
    auto snapshot = world.live(2min);
    EXPECT_FALSE(is_enabled());
    EXPECT_EQ(state().current->standing, Standing::SwitchedOff);
    EXPECT_EQ(snapshot.decision.reason, Reason::KeySwitchedOff);
    EXPECT_TRUE(world.sink.content);  // the file stays: the key may come back
    world.service.called.clear();
    world.live(days{3});
    EXPECT_TRUE(world.service.called.empty());
    world.program.runs = true;
    snapshot = world.live(2min);
    EXPECT_TRUE(is_enabled());
    EXPECT_EQ(snapshot.decision.reason, Reason::Healthy);
}

TEST_F(Silence, AnOldKeyHasNoGraceWhereTheProgramIsSilent) {
    world.setup.policy.superseded.keep_enabled = days{6};
    world.restart();
    const auto old = state().current->key.id;
    world.live(days{1});
    world.program.stop();
    world.settle(Trigger::Rotate);
    world.live(72h - 1min);
    ASSERT_TRUE(world.service.keys.at(old).enabled);
    world.live(2min);
    EXPECT_FALSE(is_enabled());
    EXPECT_FALSE(world.service.keys.at(old).enabled);
    world.program.runs = true;
    world.live(2min);
    EXPECT_TRUE(is_enabled());
    EXPECT_FALSE(world.service.keys.at(old).enabled);
}

TEST_F(Silence, AnOldKeyKeepsItsGraceUntilTheSwitchHasTripped) {
    world.setup.policy.superseded.keep_enabled = days{6};
    world.restart();
    const auto old = state().current->key.id;
    world.program.stop();
    world.settle(Trigger::Rotate);
    world.service.next("disable", {Fault::LoseAnswer});
    world.live(72h);
    ASSERT_EQ(state().current->standing, Standing::SwitchingOff);
    EXPECT_TRUE(world.service.keys.at(old).enabled);
    world.live(1min);
    EXPECT_EQ(state().current->standing, Standing::SwitchedOff);
    EXPECT_FALSE(world.service.keys.at(old).enabled);
}

TEST_F(Silence, AKeyThatIsEnabledAgainIsLookedAtOnTime) {
    world.setup.policy.watchdog.key_login = 1h;
    world.setup.policy.watchdog.key_listed.reset();
    world.setup.policy.watchdog.jitter_percent = 0;
    world.restart();
    world.program.stop();
    world.live(72h + 12h);
    ASSERT_FALSE(is_enabled());
    world.program.runs = true;
    auto snapshot = world.live(2min);
    ASSERT_TRUE(is_enabled());
    EXPECT_EQ(snapshot.decision.reason, Reason::Healthy);
    world.service.called.clear();
    world.live(1h + 1min);
    EXPECT_GE(std::ranges::count(world.service.called, "prove"), 1);
}

TEST_F(Silence, SwitchingOffTakesALogInAGetAndADisable) {
    world.program.stop();
    world.live(73h);
    // The first log-in is for the time: nothing is disabled before the service has told it.
    EXPECT_EQ(world.service.called, (std::vector<std::string>{"log_in", "get", "disable"}));
}

TEST_F(Silence, ARebootDoesNotBringASwitchedOffKeyBack) {
    world.program.stop();
    world.live(73h);
    world.clock.reboot();
    world.restart();
    world.live(1h);
    EXPECT_FALSE(is_enabled());
    world.program.beat.reset();  // its file was in /run
    world.restart();
    world.live(1h);
    EXPECT_FALSE(is_enabled());
    world.program.runs = true;
    world.live(2min);
    EXPECT_TRUE(is_enabled());
}

TEST_F(Silence, AClockThatFellBackBeyondTheLastBeatDoesNotBringASwitchedOffKeyBack) {
    world.program.stop();
    world.live(73h);
    ASSERT_FALSE(is_enabled());
    world.clock.reboot();  // without a clock that runs on: the file's stamp looks fresh
    world.clock.wrong_by = -73h;
    world.restart();
    world.live(days{1});
    EXPECT_FALSE(is_enabled());
}

TEST_F(Silence, AFileFromBeforeAllTimeCanBeWrittenDown) {
    world.program.stop();
    world.program.beat = core::Instant{-days{365}};
    world.live(73h);
    EXPECT_FALSE(is_enabled());
    EXPECT_EQ(state().current->last_beat, core::Instant{});
    world.restart();
    world.live(days{1});
    EXPECT_FALSE(is_enabled());
}

TEST_F(Silence, AReturnWhileTheAgentWasAwayIsSeen) {
    world.program.stop();
    world.live(73h);
    ASSERT_FALSE(is_enabled());
    world.clock.advance(5h);
    world.program.beat = world.clock.now();
    world.clock.advance(1min);
    world.restart();
    world.live(1min);
    EXPECT_TRUE(is_enabled());
}

TEST_F(Silence, AProgramGetsItsChanceAfterAFirstKeyThatWasLongInComing) {
    ask(Request::Decommission);
    world.program.stop();
    world.live(days{10});
    ask(Request::Recommission);
    world.live(10min);
    EXPECT_TRUE(is_enabled());
    world.live(10min);
    EXPECT_FALSE(is_enabled());
}

TEST_F(Silence, ADisableThatWasRefusedNeverHappened) {
    world.service.next("disable", {Fault::Refuse});
    world.service.refusal = {core::ErrorKind::Forbidden, "not now"};
    world.program.stop();
    world.live(72h + 1min);
    EXPECT_EQ(state().current->standing, Standing::Enabled);
    world.service.keys.at(state().current->key.id).enabled = false;  // by a person
    world.live(days{1});
    EXPECT_EQ(state().current->standing, Standing::DisabledOutside);
}

TEST_F(Silence, AMissingFileCountsFromBoot) {
    world.program.runs = false;
    world.clock.reboot();
    world.restart();
    world.live(70h);
    EXPECT_TRUE(is_enabled());
    world.live(2h);
    EXPECT_FALSE(is_enabled());
}

TEST_F(Silence, AJumpOfTheClockSwitchesNothingOff) {
    world.live(1h);
    world.clock.wrong_by = days{365};
    world.live(days{5});
    EXPECT_TRUE(is_enabled());
    world.clock.wrong_by = -days{365};
    world.live(days{5});
    EXPECT_TRUE(is_enabled());
}

TEST_F(Silence, AReadThatLagsDoesNotMakeItForgetWhoSwitchedTheKeyOff) {
    world.setup.policy.watchdog.key_listed = 5s;
    world.setup.policy.watchdog.jitter_percent = 0;
    world.restart();
    world.program.stop();
    world.live(72h);
    ASSERT_FALSE(is_enabled());
    world.service.keys.begin()->second.enabled = true;  // what a list still shows
    world.live(10s);
    EXPECT_EQ(state().current->standing, Standing::SwitchedOff);
}

TEST_F(Silence, ALogInThatLagsDoesNotMakeItForgetWhoSwitchedTheKeyOff) {
    world.setup.policy.watchdog.key_login = 5s;
    world.setup.policy.watchdog.jitter_percent = 0;
    world.restart();
    world.program.stop();
    world.live(72h);
    ASSERT_FALSE(is_enabled());
    world.service.keys.begin()->second.enabled = true;  // what a log-in still goes by
    world.live(10s);
    EXPECT_EQ(state().current->standing, Standing::SwitchedOff);
}

TEST_F(Silence, AKeyThatSomebodyElseDisabledBeforeIsNotEnabledAgain) {
    world.program.stop();
    world.service.keys.at(state().current->key.id).enabled = false;
    world.live(73h);
    EXPECT_EQ(state().current->standing, Standing::DisabledOutside);
    world.program.runs = true;
    world.live(days{1});
    EXPECT_FALSE(is_enabled());
}

TEST_F(Silence, AKeyThatIsGoneIsNotSwitchedOff) {
    world.program.stop();
    world.service.keys.clear();
    world.live(73h);
    EXPECT_EQ(state().current->standing, Standing::DeletedOutside);
}

TEST_F(Silence, AHeartbeatThatCannotBeLookedAtIsToldAndSwitchesNothingOff) {
    world.program.unreadable = core::Error{core::ErrorKind::Forbidden, "/run/alive: permission denied"};
    world.live(days{10});
    EXPECT_TRUE(is_enabled());
    world.settle();
    EXPECT_EQ(world.reporter.times("heartbeat-unreadable"), 1);
}

TEST_F(Silence, SilenceRotatesOnceWhereThePolicySaysSo) {
    world.setup.policy.watchdog.heartbeat->then = HeartbeatPolicy::Then::Rotate;
    world.restart();
    world.program.stop();
    world.live(days{10});
    EXPECT_EQ(state().current->key.generation, 2U);
    world.restart();
    world.live(days{1});
    EXPECT_EQ(state().current->key.generation, 2U);
}

}  // namespace
}  // namespace devkey::engine
