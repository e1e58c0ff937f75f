// A device that is taken out of service while the settings, or the service, name another owner than its
// state.
#include <gtest/gtest.h>

#include "fakes/world.hpp"

namespace devkey::engine {
namespace {

using core::Reason;
using core::Request;
using fakes::World;

/// A device whose settings name another owner since.
struct LeavingAnother : testing::Test {
    LeavingAnother() {
        world.settle(Trigger::Start);
        world.service.called.clear();
    }
    [[nodiscard]] const core::State& state() const { return *world.store.state; }
    Snapshot ask(Request request) {
        world.request = request;
        return world.settle(Trigger::Retry);
    }
    void name_another_owner() {
        world.setup.identity.owner = "local-userpass:bob";
        world.service.owner = "owner-2";
        world.restart();
        world.service.called.clear();
    }
    void expect_left_there(const Snapshot& snapshot) {
        EXPECT_EQ(snapshot.decision.reason, Reason::IdentityChanged);
        EXPECT_TRUE(snapshot.decision.detail.contains(world.service.keys.begin()->second.name));
        EXPECT_EQ(world.request, Request::None);
        EXPECT_FALSE(world.sink.content);
        EXPECT_FALSE(state().current);
        EXPECT_TRUE(state().decommissioned_at);
        EXPECT_EQ(world.service.keys.size(), 1U);
    }

    World world;
};

TEST_F(LeavingAnother, DecommissionForgetsTheSecretsAtOnceAndTouchesNoKey) {
    name_another_owner();
    const auto snapshot = ask(Request::Decommission);
    expect_left_there(snapshot);
    EXPECT_TRUE(world.service.called.empty());
}

TEST_F(LeavingAnother, TheKeysGoWhenTheSettingReturns) {
    name_another_owner();
    ask(Request::Decommission);
    world.setup.identity.owner = "local-userpass:alice";
    world.service.owner = "owner-1";
    world.restart();
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::Decommissioned);
    EXPECT_TRUE(world.service.keys.empty());
}

TEST_F(LeavingAnother, RecommissionLeavesTheKeysBehindAndNamesThem) {
    name_another_owner();
    ask(Request::Decommission);
    const auto left = world.service.keys.begin()->second.name;
    const auto snapshot = ask(Request::Recommission);
    EXPECT_EQ(snapshot.decision.reason, Reason::Healthy);
    EXPECT_EQ(world.request, Request::None);
    EXPECT_EQ(state().identity.owner, "local-userpass:bob");
    EXPECT_EQ(state().current->key.generation, 2U);
    EXPECT_TRUE(state().superseded.empty());
    EXPECT_TRUE(world.service.removed.empty());
    EXPECT_TRUE(world.reporter.said(left)) << left;
}

TEST_F(LeavingAnother, AKeyThatWasOnlyDisabledStandsInNobodysWay) {
    world.setup.policy.decommission = core::Policy::Decommission::Disable;
    world.restart();
    ask(Request::Decommission);
    world.setup.policy.decommission = core::Policy::Decommission::Delete;
    name_another_owner();
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::IdentityChanged);
    EXPECT_EQ(ask(Request::Recommission).decision.reason, Reason::Healthy);
    EXPECT_EQ(state().current->key.generation, 2U);
}

TEST_F(LeavingAnother, AnotherOwnerAtTheServiceIsNoticedBeforeAKeyGoes) {
    world.service.owner = "owner-2";  // the settings are as they were
    world.restart();
    expect_left_there(ask(Request::Decommission));
    EXPECT_TRUE(world.service.removed.empty());
    EXPECT_EQ(ask(Request::Recommission).decision.reason, Reason::Healthy);
    EXPECT_EQ(state().owner_id, "owner-2");
}

TEST_F(LeavingAnother, AFileThatCannotBeRemovedBarsAllElse) {
    name_another_owner();
    world.sink.failing = core::ErrorKind::Forbidden;
    const auto snapshot = ask(Request::Decommission);
    EXPECT_EQ(snapshot.decision.reason, Reason::NotPermitted);
    EXPECT_TRUE(snapshot.decision.again);
    EXPECT_EQ(world.request, Request::Decommission);
    world.sink.failing.reset();
    expect_left_there(world.settle(Trigger::Retry));
    EXPECT_TRUE(world.service.called.empty());
}

TEST_F(LeavingAnother, ADiskThatIsFullHoldsItUpAndNoMore) {
    name_another_owner();
    world.store.always_failing = core::ErrorKind::Io;
    const auto snapshot = ask(Request::Decommission);
    EXPECT_EQ(snapshot.decision.reason, Reason::DiskRefuses);
    EXPECT_TRUE(state().current);
    world.store.always_failing.reset();
    expect_left_there(world.settle(Trigger::Retry));
}

}  // namespace
}  // namespace devkey::engine
