// What the agent would do from now on: told without doing it, and as it then is done.
#include "engine/rehearsal.hpp"

#include <gtest/gtest.h>

#include "fakes/world.hpp"

namespace devkey::engine {
namespace {

using core::Action;
using core::ErrorKind;
using core::Forecast;
using core::ForecastStep;
using core::Reason;
using core::Request;
using fakes::World;
using namespace std::chrono_literals;
using std::chrono::days;
using Actions = std::vector<Action>;

/// A device that has its first key, and the shipped policy.
struct Rehearsal : testing::Test {
    Rehearsal() {
        world.setup.policy = core::Policy{};
        world.settle(Trigger::Start);
    }
    [[nodiscard]] Scene scene() const {
        return {.setup = world.setup,
                .state = world.store.state,
                .asking = world.asking,
                .service = world.service.can,
                .now = world.clock.now()};
    }
    [[nodiscard]] Forecast forecast(core::Millis span = days{30}) const { return rehearse(scene(), span); }
    [[nodiscard]] static Actions actions(const Forecast& forecast) {
        Actions actions;
        for (const auto& step : forecast.steps) actions.push_back(step.action);
        return actions;
    }
    [[nodiscard]] static const ForecastStep* find(const Forecast& forecast, Action action) {
        const auto step = std::ranges::find(forecast.steps, action, &ForecastStep::action);
        return step == forecast.steps.end() ? nullptr : &*step;
    }
    [[nodiscard]] core::State& state() { return *world.store.state; }

    World world;
};

TEST_F(Rehearsal, EndsWhenNobodyWantsItAnyMore) {
    std::stop_source stop;
    stop.request_stop();
    const auto told = rehearse(scene(), days{400}, {.stop = stop.get_token()});
    EXPECT_FALSE(told.whole);
    EXPECT_EQ(told.until, told.from);
    EXPECT_TRUE(told.steps.empty());
}

TEST_F(Rehearsal, AMonthIsAShortList) {
    const auto told = forecast(days{40});
    EXPECT_EQ(actions(told), (Actions{Action::CheckLogin, Action::CheckListed, Action::AskService,
                                      Action::Create, Action::Verify, Action::Publish, Action::CheckLogin,
                                      Action::CheckListed, Action::DisableKey, Action::RemoveKey}));
    EXPECT_TRUE(told.whole);
    EXPECT_EQ(told.until - told.from, days{40});
    EXPECT_GT(told.steps.front().times, 100U);
    EXPECT_LT(told.steps.front().last_at, find(told, Action::Create)->at);
    EXPECT_EQ(find(told, Action::Create)->reason, Reason::RotationDue);
    EXPECT_EQ(find(told, Action::DisableKey)->reason, Reason::GraceOver);
    EXPECT_EQ(find(told, Action::DisableKey)->rule, "superseded-keys-go");
    EXPECT_EQ(find(told, Action::DisableKey)->detail, state().current->key.name);
    EXPECT_EQ(told.then, Reason::Healthy);
    EXPECT_GT(told.next_at, told.until);
}

TEST_F(Rehearsal, TellsWhatThenIsDone) {
    world.restart();
    auto begin = scene();
    begin.trust = core::ClockTrust::Synchronised;  // nobody has told it the time yet
    const auto told = rehearse(begin, days{70});
    const auto end = world.clock.boot_now() + days{70};
    std::map<Action, std::vector<core::Instant>> done;
    for (auto trigger = Trigger::Start; world.clock.boot_now() <= end; trigger = Trigger::Due) {
        const auto snapshot = world.agent->pass(trigger);
        if (snapshot.more)
            done[snapshot.decision.action].push_back(world.clock.now());
        else
            world.clock.advance(*snapshot.decision.again - world.clock.boot_now());
    }
    for (const auto action : {Action::Create, Action::Publish, Action::DisableKey, Action::RemoveKey}) {
        std::vector<core::Instant> planned;
        for (const auto& step : told.steps)
            if (step.action == action) planned.push_back(step.at);
        EXPECT_EQ(planned, done[action]) << core::name_of(action);
        EXPECT_FALSE(planned.empty());
    }
    std::map<Action, std::size_t> planned;
    for (const auto& step : told.steps) planned[step.action] += step.times;
    for (const auto& [action, when] : done) EXPECT_EQ(planned[action], when.size()) << core::name_of(action);
    EXPECT_EQ(planned.size(), done.size());
}

TEST_F(Rehearsal, AsksForTheTimeWhereNobodyVouchesForIt) {
    world.setup.policy.watchdog.key_login.reset();
    world.setup.policy.watchdog.key_listed.reset();
    auto begin = scene();
    begin.trust = core::ClockTrust::Floor;
    const auto told = rehearse(begin, days{25});
    ASSERT_NE(find(told, Action::AskTime), nullptr);
    EXPECT_EQ(find(told, Action::AskTime)->times, 1U);
    EXPECT_EQ(find(told, Action::AskTime)->reason, Reason::TimeUnknown);
    EXPECT_EQ(find(forecast(days{25}), Action::AskTime), nullptr);
}

TEST_F(Rehearsal, TouchesNothing) {
    const auto before = world.store.state;
    const auto called = world.service.called;
    const auto keys = world.service.keys.size();
    EXPECT_EQ(forecast(), forecast());
    EXPECT_EQ(world.store.state, before);
    EXPECT_EQ(world.service.called, called);
    EXPECT_EQ(world.service.keys.size(), keys);
}

TEST_F(Rehearsal, HasNoSecretInIt) {
    const std::string secret{state().current->key.secret.reveal()};
    for (const auto& step : forecast(days{70}).steps) EXPECT_FALSE(step.detail.contains(secret));
}

TEST_F(Rehearsal, BeginsWithWhatIsAskedFor) {
    world.asking = {.request = Request::Rotate, .id = "x", .generation = 1, .compromised = true};
    const auto told = forecast(1h);
    EXPECT_EQ(actions(told), (Actions{Action::AskService, Action::Create, Action::Verify, Action::Publish,
                                      Action::DisableKey}));
    EXPECT_EQ(find(told, Action::Create)->reason, Reason::RotationAsked);
    EXPECT_EQ(find(told, Action::DisableKey)->reason, Reason::KeyCompromised);
    EXPECT_EQ(find(told, Action::DisableKey)->at, told.from);
}

TEST_F(Rehearsal, OfADeviceThatLeavesEndsWithItsRest) {
    world.asking.request = Request::Decommission;
    const auto told = forecast();
    EXPECT_EQ(actions(told), (Actions{Action::Decommission, Action::RemoveKey, Action::Hold}));
    EXPECT_EQ(told.then, Reason::Decommissioned);
    EXPECT_EQ(told.next_at, std::nullopt);
}

TEST_F(Rehearsal, OfADeviceWithoutAKeyMakesTheFirst) {
    world.store.state.reset();
    EXPECT_EQ(actions(forecast(1min)),
              (Actions{Action::AskService, Action::Create, Action::Verify, Action::Publish}));
}

TEST_F(Rehearsal, GoesOnWithWhatWasBegun) {
    world.asking = {.request = Request::Rotate, .id = "x", .generation = 1};
    world.service.next("create", {fakes::Service::Fault::LoseRequest});
    world.settle(Trigger::Retry);
    ASSERT_EQ(state().intent->stage, core::Intent::Stage::Sent);
    EXPECT_EQ(actions(forecast(1min)), (Actions{Action::Create, Action::Verify, Action::Publish}));
    state().intent->stage = core::Intent::Stage::Landed;
    EXPECT_EQ(actions(forecast(1min)), (Actions{Action::FindStray, Action::RemoveStray, Action::AskService,
                                                Action::Create, Action::Verify, Action::Publish}));
}

TEST_F(Rehearsal, TellsWhatHoldsIt) {
    auto unreadable = scene();
    unreadable.state = core::fail(ErrorKind::Corrupt, "state.json: line 1");
    const auto told = rehearse(unreadable, days{30});
    ASSERT_EQ(told.steps.size(), 1U);
    EXPECT_EQ(told.steps[0].action, Action::Hold);
    EXPECT_EQ(told.steps[0].reason, Reason::StateUnreadable);
    EXPECT_TRUE(told.steps[0].detail.contains("line 1"));
    EXPECT_EQ(told.next_at, std::nullopt);
}

TEST_F(Rehearsal, TellsWhatItWaitsFor) {
    state().current->standing = core::Standing::DisabledOutside;
    const auto told = forecast();
    const auto* waits = find(told, Action::Idle);
    ASSERT_NE(waits, nullptr);
    EXPECT_EQ(waits->reason, Reason::KeyDisabledOutside);
    EXPECT_EQ(find(told, Action::Create), nullptr);
}

TEST_F(Rehearsal, KnowsHowFullTheOwnersQuotaIs) {
    auto full = scene();
    full.slots = core::Slots{.taken = 20, .most = 20};
    const auto told = rehearse(full, days{31});
    EXPECT_EQ(find(told, Action::Create), nullptr);
    EXPECT_EQ(told.then, Reason::QuotaFull);
    EXPECT_LT(told.steps.size(), 12U);
}

TEST_F(Rehearsal, TheProgramBeats) {
    world.setup.policy.watchdog.heartbeat =
        core::HeartbeatPolicy{.file = "/run/alive", .then = core::HeartbeatPolicy::Then::Disable};
    EXPECT_EQ(find(forecast(days{20}), Action::SwitchOff), nullptr);
    state().current->standing = core::Standing::SwitchedOff;
    EXPECT_EQ(forecast(days{20}).steps.front().action, Action::EnableKey);
}

TEST_F(Rehearsal, IsBoundedWhateverThePolicySays) {
    world.setup.policy.watchdog.key_login = 1s;
    const auto told = forecast(days{400});
    EXPECT_FALSE(told.whole);
    EXPECT_LT(told.until - told.from, 2h);
    EXPECT_GT(told.until, told.from);
    EXPECT_EQ(forecast(days{4000}).whole, false);
    world.setup.policy.watchdog.key_login.reset();
    world.setup.policy.rotate.after = days{2};
    const auto few = rehearse(scene(), days{4000}, {.most_steps = 20, .most_passes = 5'000});
    EXPECT_EQ(few.steps.size(), 20U);
    EXPECT_FALSE(few.whole);
}

TEST_F(Rehearsal, LooksFourHundredDaysAheadAtMost) {
    const auto told = forecast(days{4000});
    EXPECT_TRUE(told.whole);
    EXPECT_EQ(told.until - told.from, days{400});
}

}  // namespace
}  // namespace devkey::engine
