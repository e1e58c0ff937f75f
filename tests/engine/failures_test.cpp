// What failed: told each time, written down for who asks why, and never in the way of other keys.
#include <gtest/gtest.h>

#include <algorithm>

#include "fakes/world.hpp"

namespace devkey::engine {
namespace {

using core::ErrorKind;
using core::Reason;
using core::Request;
using fakes::World;
using Fault = fakes::Service::Fault;
using namespace std::chrono_literals;
using std::chrono::days;

std::ptrdiff_t calls(const World& world, std::string_view call) {
    return std::ranges::count(world.service.called, call);
}

/// A device whose owner's password was changed, and that asks for a key.
struct Refused : testing::Test {
    Refused() {
        world.settle(Trigger::Start);
        world.service.refusal = {ErrorKind::Unauthenticated, "the password is wrong"};
        world.service.next("log_in", {Fault::Refuse, Fault::Refuse, Fault::Refuse});
        waiting = world.settle(Trigger::Rotate);
    }
    Snapshot next_try() {
        world.clock.advance(*waiting.decision.again - world.clock.boot_now());
        return waiting = world.settle();
    }

    World world;
    Snapshot waiting;
};

TEST_F(Refused, EachTryIsToldWithItsNumber) {
    EXPECT_EQ(waiting.decision.reason, Reason::OwnerRefused);
    EXPECT_EQ(waiting.decision.failures, 1U);
    EXPECT_EQ(world.reporter.times("owner-refused"), 1);
    world.settle();  // nothing was tried
    EXPECT_EQ(world.reporter.times("owner-refused"), 1);
    EXPECT_EQ(next_try().decision.failures, 2U);
    EXPECT_EQ(world.reporter.times("owner-refused"), 2);
}

TEST_F(Refused, TheStateHasTheReasonTheCountAndTheNextTryUntilOneSucceeds) {
    next_try();
    ASSERT_EQ(world.store.state->failures.size(), 1U);
    const auto noted = world.store.state->failures.front();
    EXPECT_EQ(noted.action, "ask-service");
    EXPECT_EQ(noted.reason, "owner-refused");
    EXPECT_EQ(noted.message, "the password is wrong");
    EXPECT_EQ(noted.count, 2U);
    EXPECT_EQ(noted.retry_at - world.clock.now(), *waiting.decision.again - world.clock.boot_now());
    const auto saves = world.store.saves;
    world.settle();  // nothing new
    EXPECT_EQ(world.store.saves, saves);
    next_try();
    EXPECT_EQ(next_try().decision.reason, Reason::Healthy);
    EXPECT_TRUE(world.store.state->failures.empty());
    EXPECT_EQ(world.store.state->current->key.generation, 2U);
}

TEST_F(Refused, ADiskThatIsFullThenIsTriedLessAndLessOften) {
    world.store.always_failing = ErrorKind::Io;
    EXPECT_EQ(next_try().decision.reason, Reason::DiskRefuses);
    const auto saves = world.store.saves;
    world.live(1h);
    EXPECT_LT(world.store.saves - saves, 40);
    world.store.always_failing.reset();
    EXPECT_EQ(world.live(1h).decision.reason, Reason::Healthy);
}

TEST(Proof, AKeyThatCouldNotBeMadeTheCurrentOneLogsInAgainBefore) {
    World world;
    world.settle(Trigger::Start);
    world.service.called.clear();
    auto snapshot = world.agent->pass(Trigger::Rotate, world.asking);
    while (snapshot.more && calls(world, "prove") == 0)
        snapshot = world.agent->pass(Trigger::Due, world.asking);
    world.store.always_failing = ErrorKind::Io;
    world.live(24h);
    const auto id = world.store.state->pending->key.id;
    world.service.keys.at(id).enabled = false;  // by somebody else
    world.store.always_failing.reset();
    world.live(2h);
    EXPECT_GE(calls(world, "prove"), 2);
    EXPECT_NE(world.store.state->current->key.id, id);
    EXPECT_NE(world.sink.content->key.id, id);
}

/// A device that leaves, with three keys.
struct ThreeKeys : testing::Test {
    ThreeKeys() {
        world.settle(Trigger::Start);
        for (int rotation = 0; rotation < 2; ++rotation) {
            world.settle(Trigger::Rotate);
            world.live(1min);
        }
        EXPECT_EQ(world.service.keys.size(), 3U);
        first = world.store.state->superseded.front().id;
        world.request = Request::Decommission;
    }

    World world;
    std::string first;
};

TEST_F(ThreeKeys, OneThatMayNotBeRemovedDoesNotHoldUpTheOthers) {
    world.service.refusal = {ErrorKind::Forbidden, "this one is protected"};
    world.service.next("remove", {Fault::Refuse});
    const auto snapshot = world.settle(Trigger::Retry);
    EXPECT_EQ(snapshot.decision.reason, Reason::ServiceForbids);
    EXPECT_EQ(world.service.keys.size(), 1U);
    EXPECT_TRUE(world.service.keys.contains(first));
    ASSERT_EQ(world.store.state->failures.size(), 1U);
    EXPECT_EQ(world.store.state->failures.front().target, first);
    EXPECT_EQ(world.live(1h).decision.reason, Reason::Decommissioned);
    EXPECT_TRUE(world.service.keys.empty());
    EXPECT_TRUE(world.store.state->failures.empty());
}

TEST_F(ThreeKeys, AServiceThatIsAwayIsAskedOnceForAllOfThem) {
    world.service.next("remove", {Fault::Refuse});
    EXPECT_EQ(world.settle(Trigger::Retry).decision.reason, Reason::ServiceUnavailable);
    EXPECT_EQ(calls(world, "remove"), 1);
    EXPECT_EQ(world.live(1h).decision.reason, Reason::Decommissioned);
    // The one that failed had its turn last.
    EXPECT_EQ(world.service.removed.back(), first);
}

/// A device whose key was asked for twice: the first request is still on its way.
struct Echo : testing::Test {
    Echo() {
        world.service.can.late_landing = 5min;
        world.service.late_calls = 25;
        world.service.next("create", {Fault::LandLate});
        world.settle(Trigger::Start);
        world.run(3);
        EXPECT_EQ(world.service.keys.size(), 1U);
        EXPECT_TRUE(world.store.state->current->published_at);
    }
    /// The first request lands now, if it can.
    void land() {
        while (world.service.calls <= 2 * world.service.late_calls)
            static_cast<void>(world.service.list().has_value());
    }

    World world;
};

TEST_F(Echo, AKeyOfADeviceThatLeavesKeepsItsNameTakenUntilNoneCanLand) {
    world.request = Request::Decommission;
    const auto snapshot = world.settle(Trigger::Retry);
    EXPECT_EQ(snapshot.decision.reason, Reason::LateLandingPossible);
    EXPECT_EQ(world.request, Request::Decommission);
    ASSERT_EQ(world.service.keys.size(), 1U);
    EXPECT_FALSE(world.service.keys.begin()->second.enabled);
    land();
    EXPECT_EQ(world.service.keys.size(), 1U);
    world.restart();
    EXPECT_EQ(world.live(6min).decision.reason, Reason::Decommissioned);
    EXPECT_TRUE(world.service.keys.empty());
    EXPECT_EQ(world.service.created_names.size(), 1U);
}

TEST_F(Echo, AKeyThatIsReplacedAtOnceKeepsItsNameToo) {
    world.setup.policy.superseded = {
        .keep_enabled = 0s, .then = core::SupersededPolicy::Then::Delete, .delete_after = 0s};
    world.restart();
    world.settle(Trigger::Rotate);
    world.live(1min);
    EXPECT_EQ(world.service.keys.size(), 2U);
    land();
    EXPECT_EQ(world.live(6min).decision.reason, Reason::Healthy);
    EXPECT_EQ(world.service.keys.size(), 1U);
}

// It can't be told from a twin's, made by a copy of the state in the middle of the same create.
TEST_F(Echo, AKeyThatLandsWhenAPersonHasFreedItsNameIsReportedAndLeftAlone) {
    world.setup.policy.watchdog.key_listed = 1h;
    world.restart();
    world.service.keys.clear();
    land();
    ASSERT_EQ(world.service.keys.size(), 1U);
    const auto snapshot = world.live(3h);
    EXPECT_EQ(snapshot.decision.reason, Reason::CloneSuspected);
    EXPECT_TRUE(snapshot.decision.detail.contains(world.service.keys.begin()->second.name));
    world.live(days{60});
    ASSERT_EQ(world.service.keys.size(), 1U);
    EXPECT_TRUE(world.service.keys.begin()->second.enabled);
    world.service.keys.clear();  // a person sees to it
    EXPECT_EQ(world.live(2h).decision.reason, Reason::KeyDeletedOutside);
}

// A list that lags shows the key of the first request, which was removed to make room for its name.
TEST_F(Echo, AStrayThatIsListedAfterItsRemovalIsNoTwins) {
    const auto name = world.store.state->current->key.name;
    world.service.keys["stray"] = {.name = name, .secret = "s", .enabled = true, .hidden_lists = 0};
    world.store.state->current->key.created_at = world.clock.now();
    world.store.state->current->listed_at.reset();
    world.setup.policy.watchdog.key_listed = 1h;
    world.restart();
    const auto lists = calls(world, "list");
    world.settle(Trigger::Rotate);
    EXPECT_GT(calls(world, "list"), lists);
    EXPECT_EQ(world.store.state->twin, std::nullopt);
}

}  // namespace
}  // namespace devkey::engine
