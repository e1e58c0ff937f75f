// What a person asks about the key that is in use: back to the one before, off and on, acknowledged, paused.
#include <gtest/gtest.h>

#include <algorithm>

#include "fakes/world.hpp"

namespace devkey::engine {
namespace {

using core::Asking;
using core::Reason;
using core::Request;
using core::Standing;
using fakes::Crash;
using fakes::World;
using Fault = fakes::Service::Fault;
using namespace std::chrono_literals;
using std::chrono::days;

/// A device that has its second key.
struct Person : testing::Test {
    Person() { prepare(world); }
    static void prepare(World& world) {
        world.settle(Trigger::Start);
        world.settle(Trigger::Rotate);
        world.service.called.clear();
    }
    Snapshot ask(Request request) { return ask(world, request); }
    static Snapshot ask(World& world, Request request) {
        world.asking = {.request = request, .generation = generation_of(world)};
        return world.settle(Trigger::Retry);
    }
    static std::uint32_t generation_of(const World& world) {
        return world.store.state->current->key.generation;
    }
    [[nodiscard]] const core::State& state() const { return *world.store.state; }
    [[nodiscard]] std::uint32_t generation() const { return generation_of(world); }
    [[nodiscard]] std::string id() const { return state().current->key.id; }
    [[nodiscard]] bool works(const std::string& id) const {
        return world.service.keys.contains(id) && world.service.keys.at(id).enabled;
    }
    /// What every program on the device sees: a published key that works.
    static void expect_in_use(const World& world, std::uint32_t generation, std::size_t step = 0) {
        ASSERT_TRUE(world.sink.content) << "step " << step;
        const auto& key = world.sink.content->key;
        EXPECT_EQ(key.generation, generation) << "step " << step;
        EXPECT_TRUE(world.service.keys.at(key.id).enabled) << "step " << step;
    }

    World world;
};

TEST_F(Person, GoesBackToTheKeyBefore) {
    ask(Request::Rollback);
    EXPECT_EQ(world.asking, Asking{});
    expect_in_use(world, 1);
    EXPECT_EQ(world.service.called, (std::vector<std::string>{"log_in", "enable", "prove"}));
    EXPECT_TRUE(works(state().superseded.front().id)) << "programs may hold the new one: it has its grace";
    world.live(days{2});
    EXPECT_FALSE(works(state().superseded.front().id));
    expect_in_use(world, 1);
}

TEST_F(Person, GoesBackToOneThatIsDisabledAlready) {
    world.live(days{2});
    ASSERT_FALSE(works("id1"));
    ask(Request::Rollback);
    expect_in_use(world, 1);
}

TEST_F(Person, GoesBackNoFurtherThanThereAreKeysWithTheirSecrets) {
    ask(Request::Rollback);
    ask(Request::Rollback);
    EXPECT_EQ(world.asking, Asking{});
    expect_in_use(world, 1);
    world.settle(Trigger::Rotate);
    expect_in_use(world, 3);
    ask(Request::Rollback);
    expect_in_use(world, 2);
}

TEST_F(Person, AKeyThatLeakedNeverComesBack) {
    world.asking = {.request = Request::Rotate, .generation = 2, .compromised = true};
    world.settle(Trigger::Retry);
    for (const auto& old : state().superseded) EXPECT_TRUE(old.secret.empty()) << old.id;
    ask(Request::Rollback);
    EXPECT_EQ(world.asking, Asking{});
    expect_in_use(world, 3);
}

TEST_F(Person, AKeyThatIsGoneOrDoesNotWorkLeavesTheCurrentOneInUse) {
    world.service.keys.erase("id1");
    ask(Request::Rollback);
    EXPECT_EQ(world.asking, Asking{});
    expect_in_use(world, 2);
    EXPECT_FALSE(state().pending);
    EXPECT_TRUE(world.reporter.told("rollback-failed"));

    world.settle(Trigger::Rotate);
    world.service.keys.at("id2").secret = "changed";
    ask(Request::Rollback);
    world.live(5min);
    EXPECT_EQ(world.asking, Asking{});
    expect_in_use(world, 3);
    EXPECT_TRUE(world.service.removed.empty()) << "it may work again tomorrow";
}

TEST_F(Person, GoingBackWaitsForADisableThatMayStillLand) {
    world.service.can.late_landing = 5min;
    world.service.next("disable", {Fault::LoseRequest});
    world.live(days{1});
    ask(Request::Rollback);
    EXPECT_EQ(generation(), 2U);
    world.live(10min);
    expect_in_use(world, 1);
    EXPECT_EQ(world.asking, Asking{});
}

TEST_F(Person, GoingBackSurvivesACrashAtEachStep) {
    for (std::size_t step = 1;; ++step) {
        World fresh;
        prepare(fresh);
        fresh.asking = {.request = Request::Rollback, .generation = 2};
        fresh.effects.crash_at(step);
        bool crashed = false;
        try {
            fresh.settle(Trigger::Retry);
        } catch (const Crash&) {
            crashed = true;
        }
        ASSERT_TRUE(fresh.sink.content);
        EXPECT_TRUE(fresh.service.keys.at(fresh.sink.content->key.id).enabled) << "step " << step;
        fresh.effects.crash_at(0);
        fresh.restart();
        fresh.run(3);
        expect_in_use(fresh, 1, step);
        EXPECT_LE(fresh.service.keys.size(), 2U) << "step " << step;
        if (!crashed) return;
    }
}

TEST_F(Person, WhoWentBackGetsTimeBeforeTheNextRotation) {
    world.setup.policy.rotate.after = days{30};
    world.setup.policy.rotate.jitter_percent = 0;
    world.setup.policy.superseded.delete_after = days{60};
    world.restart();
    world.live(days{29});
    ask(Request::Rollback);
    expect_in_use(world, 1);
    world.live(days{7});
    EXPECT_EQ(generation(), 1U);
    world.live(days{2});
    EXPECT_EQ(generation(), 3U);
}

TEST_F(Person, DisablesTheKeyUntilAPersonHasItEnabled) {
    const auto snapshot = ask(Request::Disable);
    EXPECT_EQ(world.asking, Asking{});
    EXPECT_FALSE(works(id()));
    EXPECT_FALSE(works("id1")) << "nor does an old one work";
    EXPECT_EQ(snapshot.decision.reason, Reason::KeyDisabledByPerson);
    world.setup.policy.rotate.after = days{1};
    world.setup.policy.outside_changes.disabled = core::OutsideChangesPolicy::Disabled::Enable;
    world.restart();
    world.live(days{9});
    EXPECT_FALSE(works(id()));
    EXPECT_EQ(generation(), 2U);
    ask(Request::Enable);
    EXPECT_EQ(world.asking, Asking{});
    EXPECT_TRUE(works(id()));
}

TEST_F(Person, AHeartbeatDoesNotEnableWhatAPersonDisabled) {
    world.setup.policy.watchdog.heartbeat = core::HeartbeatPolicy{
        .file = "/run/alive", .stale_after = 72h, .then = core::HeartbeatPolicy::Then::Disable};
    world.restart();
    world.program.stop();
    world.live(73h);
    ASSERT_EQ(state().current->standing, Standing::SwitchedOff);
    ask(Request::Disable);
    EXPECT_EQ(world.asking, Asking{});
    world.program.runs = true;
    world.live(days{1});
    EXPECT_FALSE(works(id()));
    ask(Request::Enable);
    world.live(1min);
    EXPECT_TRUE(works(id()));
}

TEST_F(Person, EnablesAlsoWhatSomebodyElseDisabled) {
    world.service.keys.at(id()).enabled = false;
    world.setup.policy.watchdog.key_listed = 1h;
    world.restart();
    world.live(2h);
    ASSERT_EQ(state().current->standing, Standing::DisabledOutside);
    ask(Request::Enable);
    EXPECT_TRUE(works(id()));
    EXPECT_EQ(world.asking, Asking{});
}

TEST_F(Person, AnAcknowledgedKeyEndsTheGraceOfTheOneBefore) {
    ASSERT_TRUE(works("id1"));
    ask(Request::Acknowledge);
    EXPECT_EQ(world.asking, Asking{});
    EXPECT_FALSE(works("id1"));
    EXPECT_TRUE(works(id()));
}

TEST_F(Person, AnAcknowledgementOfAnEarlierKeyMeansNothing) {
    world.asking = {.request = Request::Acknowledge, .generation = 1};
    world.settle(Trigger::Retry);
    EXPECT_EQ(world.asking, Asking{});
    EXPECT_TRUE(works("id1"));
}

TEST_F(Person, APauseHoldsTheScheduleAndNotThePerson) {
    world.setup.policy = core::Policy{};
    world.restart();
    world.asking = {.request = Request::Pause, .until = world.clock.now() + days{50}};
    auto snapshot = world.settle(Trigger::Retry);
    EXPECT_EQ(world.asking, Asking{});
    EXPECT_EQ(snapshot.decision.reason, Reason::Paused);
    world.service.called.clear();
    world.restart();
    world.live(days{40});
    EXPECT_TRUE(world.service.called.empty());
    EXPECT_TRUE(works("id1"));
    world.sink.content.reset();  // that needs no service
    world.settle(Trigger::CredentialFile);
    expect_in_use(world, 2);
    world.settle(Trigger::Rotate);
    expect_in_use(world, 3);
    snapshot = world.live(days{12});
    EXPECT_EQ(snapshot.decision.reason, Reason::Healthy);
    EXPECT_FALSE(works("id1"));
}

TEST_F(Person, APauseWithoutAnEndLastsUntilResume) {
    world.setup.policy = core::Policy{};
    world.restart();
    ask(Request::Pause);
    EXPECT_EQ(world.live(days{400}).decision.reason, Reason::Paused);
    EXPECT_NE(ask(Request::Resume).decision.reason, Reason::Paused);
    EXPECT_EQ(world.asking, Asking{});
    world.live(days{1});
    EXPECT_EQ(generation(), 3U);
}

TEST_F(Person, ADeviceWithoutAKeyGetsNoneInAPause) {
    World blank;
    blank.restart();
    blank.asking = {.request = Request::Pause};
    EXPECT_EQ(blank.settle(Trigger::Retry).decision.reason, Reason::Paused);
    EXPECT_TRUE(blank.service.keys.empty());
}

TEST_F(Person, TheOwnersKeysAreCountedAlsoSinceTheLatestList) {
    EXPECT_EQ(world.settle().status.slots->taken, 2U) << "the rotation's list showed one";
    world.live(days{9});
    EXPECT_EQ(world.settle().status.slots->taken, 1U);
}

TEST_F(Person, ALookAsksTheServiceOnceAndNotAgainAtOnce) {
    world.clock.advance(1min);
    world.settle(Trigger::Look);
    EXPECT_EQ(std::ranges::count(world.service.called, "list"), 1);
    world.settle(Trigger::Look);
    EXPECT_EQ(std::ranges::count(world.service.called, "list"), 1);
    world.clock.advance(1min);
    EXPECT_EQ(world.settle(Trigger::Look).status.slots->taken, 2U);
    EXPECT_EQ(std::ranges::count(world.service.called, "list"), 2);
}

}  // namespace
}  // namespace devkey::engine
