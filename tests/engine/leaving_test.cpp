// A device that is taken out of service, or taken over; and crashes on the way, also while its key is
// switched off.
#include "engine/watched_device.hpp"

namespace devkey::engine {
namespace {

using core::Reason;
using core::Request;
using core::Standing;
using fakes::Crash;
using fakes::World;
using Fault = fakes::Service::Fault;
using namespace std::chrono_literals;
using std::chrono::days;

struct Leaving : WatchedDevice {};

TEST_F(Leaving, DecommissionLeavesNoKeyNoFileNoSecretAndATombstone) {
    world.settle(Trigger::Rotate);  // there is a superseded key, too
    world.live(1min);
    const auto snapshot = ask(Request::Decommission);
    EXPECT_EQ(snapshot.decision.reason, Reason::Decommissioned);
    EXPECT_EQ(world.request, Request::None);
    EXPECT_TRUE(world.service.keys.empty());
    EXPECT_FALSE(world.sink.content);
    EXPECT_FALSE(state().current);
    EXPECT_TRUE(state().decommissioned_at);
    world.restart();
    world.service.called.clear();
    EXPECT_EQ(world.live(days{100}).decision.reason, Reason::Decommissioned);
    world.settle(Trigger::Rotate);
    EXPECT_TRUE(world.service.called.empty());
}

TEST_F(Leaving, DecommissionDisablesWhereThePolicySaysSo) {
    world.setup.policy.decommission = core::Policy::Decommission::Disable;
    world.restart();
    ask(Request::Decommission);
    ASSERT_EQ(world.service.keys.size(), 1U);
    EXPECT_FALSE(world.service.keys.begin()->second.enabled);
    EXPECT_TRUE(state().decommissioned_at);
}

TEST_F(Leaving, DecommissionWaitsForAServiceThatIsAway) {
    world.service.next("log_in", {Fault::LoseRequest, Fault::LoseRequest});
    auto snapshot = ask(Request::Decommission);
    EXPECT_EQ(snapshot.decision.reason, Reason::ServiceUnavailable);
    EXPECT_EQ(world.request, Request::Decommission);
    EXPECT_FALSE(world.sink.content);
    EXPECT_EQ(world.service.keys.size(), 1U);
    world.restart();
    snapshot = world.run();
    EXPECT_EQ(snapshot.decision.reason, Reason::Decommissioned);
    EXPECT_TRUE(world.service.keys.empty());
}

TEST_F(Leaving, DecommissionAlsoFindsTheKeyOfACreateThatLandsLate) {
    world.service.late_calls = 4;
    world.service.next("create", {Fault::LandLate, Fault::Refuse});
    world.settle(Trigger::Rotate);
    ASSERT_EQ(world.service.keys.size(), 1U);
    ask(Request::Decommission);
    const auto snapshot = world.run();
    EXPECT_EQ(snapshot.decision.reason, Reason::Decommissioned);
    EXPECT_EQ(world.service.created_names.size(), 2U);
    EXPECT_TRUE(world.service.keys.empty());
}

TEST_F(Leaving, RecommissionStartsWithTheNextGeneration) {
    ask(Request::Decommission);
    const auto snapshot = ask(Request::Recommission);
    EXPECT_EQ(snapshot.decision.reason, Reason::Healthy);
    EXPECT_EQ(snapshot.generation, 2U);
    EXPECT_EQ(world.request, Request::None);
}

TEST_F(Leaving, ADecommissionedDeviceMayGoToAnotherOwner) {
    ask(Request::Decommission);
    world.setup.identity.owner = "local-userpass:bob";
    world.service.owner = "owner-2";
    world.restart();
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::Decommissioned);
    const auto before = state().installation;
    EXPECT_EQ(ask(Request::Recommission).decision.reason, Reason::Healthy);
    EXPECT_EQ(state().identity.owner, "local-userpass:bob");
    EXPECT_NE(state().installation, before);
    EXPECT_EQ(state().current->key.generation, 2U);
}

TEST_F(Leaving, DecommissionLeavesTheKeysOfOtherInstallationsAloneAndNamesThem) {
    const std::string name = "devkey-dev-1-zzzzzz-1-aaaa";
    world.service.keys["x"] = {.name = name, .secret = "s", .enabled = true, .hidden_lists = 0};
    world.setup.policy.watchdog.key_listed = 1h;
    world.restart();
    world.live(2h);
    ASSERT_EQ(state().others.size(), 1U);
    const auto snapshot = ask(Request::Decommission);
    EXPECT_EQ(snapshot.decision.reason, Reason::Decommissioned);
    EXPECT_TRUE(snapshot.decision.detail.contains(name)) << snapshot.decision.detail;
    ASSERT_TRUE(world.service.keys.contains("x"));
    EXPECT_TRUE(world.service.keys.at("x").enabled);
    EXPECT_EQ(world.service.keys.size(), 1U);
}

TEST_F(Leaving, TakeOverDeletesTheKeysOfOtherInstallationsAtOnce) {
    world.service.keys["x"] = {
        .name = "devkey-dev-1-zzzzzz-1-aaaa", .secret = "s", .enabled = true, .hidden_lists = 0};
    world.service.keys["y"] = {
        .name = "devkey-dev-2-zzzzzz-1-aaaa", .secret = "t", .enabled = true, .hidden_lists = 0};
    const auto snapshot = ask(Request::TakeOver);
    EXPECT_EQ(snapshot.decision.reason, Reason::Healthy);
    EXPECT_EQ(world.request, Request::None);
    EXPECT_EQ(world.service.removed, std::vector<std::string>{"x"});
    EXPECT_EQ(state().retired, std::vector<std::string>{"devkey-dev-1-zzzzzz-1-aaaa"});
    EXPECT_TRUE(is_enabled());
}

TEST(TakeOver, MakesRoomForADeviceThatHasNoKeyYet) {
    World world;
    world.service.can.keys_per_owner = 1;
    world.service.keys["x"] = {
        .name = "devkey-dev-1-zzzzzz-1-aaaa", .secret = "s", .enabled = true, .hidden_lists = 0};
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::QuotaFull);
    world.request = Request::TakeOver;
    EXPECT_EQ(world.settle(Trigger::Retry).decision.reason, Reason::Healthy);
    EXPECT_EQ(world.service.removed, std::vector<std::string>{"x"});
}

/// The keys that are enabled, and that no state knows.
std::size_t unknown_keys(const World& world) {
    return static_cast<std::size_t>(std::ranges::count_if(world.service.keys, [&](const auto& entry) {
        return !core::is_recorded(*world.store.state, entry.second.name);
    }));
}

/// Crashes at each step of what `begin` begins, starts again, and lets `check` look at the end.
template <class Begin, class Check>
void crash_everywhere(Begin begin, Check check) {
    for (std::size_t step = 1;; ++step) {
        World world;
        Leaving::prepare(world);
        world.effects.crash_at(step);
        bool crashed = false;
        try {
            begin(world);
        } catch (const Crash&) {
            crashed = true;
        }
        EXPECT_EQ(unknown_keys(world), 0U) << "step " << step;
        world.effects.crash_at(0);
        world.restart();
        world.run(3);
        check(world, step);
        if (!crashed) return;
    }
}

TEST(CrashWhileLeaving, ADecommissionIsFinished) {
    crash_everywhere(
        [](World& world) {
            world.request = Request::Decommission;
            world.settle(Trigger::Retry);
        },
        [](World& world, std::size_t step) {
            EXPECT_TRUE(world.store.state->decommissioned_at) << "step " << step;
            EXPECT_TRUE(world.service.keys.empty()) << "step " << step;
            EXPECT_FALSE(world.sink.content) << "step " << step;
        });
}

TEST(CrashWhileLeaving, ASwitchedOffKeyIsStillOurs) {
    crash_everywhere(
        [](World& world) {
            world.program.stop();
            world.live(73h);
        },
        [](World& world, std::size_t step) {
            EXPECT_EQ(world.store.state->current->standing, Standing::SwitchedOff) << "step " << step;
            world.program.runs = true;
            world.live(5min);
            EXPECT_EQ(world.store.state->current->standing, Standing::Enabled) << "step " << step;
            EXPECT_TRUE(world.service.keys.begin()->second.enabled) << "step " << step;
        });
}

}  // namespace
}  // namespace devkey::engine
