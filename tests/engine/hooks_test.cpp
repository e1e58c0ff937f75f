// Programs that the policy has run: when, how often, and what follows when they fail.
#include <gtest/gtest.h>

#include <algorithm>

#include "fakes/world.hpp"

namespace devkey::engine {
namespace {

using core::ErrorKind;
using core::Hook;
using core::Reason;
using fakes::World;
using namespace std::chrono_literals;
using std::chrono::days;

struct Hooked : testing::Test {
    void have(std::optional<Hook> core::HooksPolicy::* kind, bool required = false) {
        world.setup.policy.hooks.*kind = Hook{.run = {"/bin/tell"}, .required = required};
        if (world.agent) world.restart();
    }
    void break_hook() { world.hooks.failing = core::Error{ErrorKind::Unavailable, "ended with status 1"}; }
    [[nodiscard]] bool works(const std::string& id) const {
        return world.service.keys.contains(id) && world.service.keys.at(id).enabled;
    }
    [[nodiscard]] std::uint32_t generation() const { return world.sink.content->key.generation; }

    World world;
};

TEST_F(Hooked, ProgramsAreToldOnceOfEachKey) {
    have(&core::HooksPolicy::after_publish);
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::Healthy);
    EXPECT_EQ(world.hooks.ran.size(), 1U);
    EXPECT_EQ(world.hooks.fact("DEVKEYD_HOOK"), "after_publish");
    EXPECT_EQ(world.hooks.fact("DEVKEYD_GENERATION"), "1");
    EXPECT_EQ(world.hooks.fact("DEVKEYD_KEY_ID"), "id1");
    for (const auto& [name, value] : world.hooks.told) EXPECT_FALSE(value.contains("secret-of")) << name;
    world.restart();
    world.settle(Trigger::Start);
    EXPECT_EQ(world.hooks.ran.size(), 1U);
    world.settle(Trigger::Rotate);
    EXPECT_EQ(world.hooks.ran.size(), 2U);
}

TEST_F(Hooked, AHookThatFailsIsRunAgainAndMakesNoKey) {
    have(&core::HooksPolicy::after_publish);
    break_hook();
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::HookFailed);
    const auto snapshot = world.live(days{1});
    EXPECT_EQ(snapshot.decision.reason, Reason::HookFailed);
    EXPECT_GT(world.hooks.ran.size(), 10U);
    EXPECT_LT(world.hooks.ran.size(), 200U);
    EXPECT_EQ(world.service.created_names.size(), 1U);
    EXPECT_GT(world.store.state->current->told.failures, 10U);
    world.hooks.failing.reset();
    EXPECT_EQ(world.live(1h).decision.reason, Reason::Healthy);
}

TEST_F(Hooked, TheGraceWaitsForARequiredHook) {
    have(&core::HooksPolicy::after_publish, true);
    world.settle(Trigger::Start);
    world.settle(Trigger::Rotate);
    world.hooks.ran.clear();
    break_hook();
    world.settle(Trigger::Rotate);
    world.live(1s);
    EXPECT_EQ(world.hooks.ran.size(), 1U);
    world.clock.advance(days{3});
    world.hooks.failing.reset();
    world.settle();
    EXPECT_TRUE(works("id1"));
    world.live(23h);
    EXPECT_TRUE(works("id2"));
    world.live(2h);
    EXPECT_FALSE(works("id2"));
}

TEST_F(Hooked, TheGraceOfAnEarlierKeyDoesNotWaitForAnotherHook) {
    have(&core::HooksPolicy::after_publish, true);
    world.settle(Trigger::Start);
    world.settle(Trigger::Rotate);
    world.live(20h);
    world.settle(Trigger::Rotate);
    world.live(5h);
    EXPECT_FALSE(works("id1"));
    EXPECT_TRUE(works("id2"));
}

TEST_F(Hooked, ARequiredHookThatKeepsFailingGoesBackOnceAndSaysSo) {
    world.setup.policy.rotate.after = days{4};
    have(&core::HooksPolicy::after_publish, true);
    world.settle(Trigger::Start);
    break_hook();
    world.settle(Trigger::Rotate);
    world.live(10min);
    EXPECT_EQ(generation(), 1U);
    EXPECT_TRUE(works("id1"));
    EXPECT_TRUE(world.reporter.told("key-enabled"));
    world.live(days{30});
    EXPECT_EQ(world.service.created_names.size(), 2U) << "a failing hook makes no keys";
    EXPECT_EQ(generation(), 1U);
    world.hooks.failing.reset();
    world.live(days{2});
    EXPECT_EQ(generation(), 3U);
}

TEST_F(Hooked, AHookThatIsNotRequiredNeverGoesBack) {
    have(&core::HooksPolicy::after_publish);
    world.settle(Trigger::Start);
    break_hook();
    world.settle(Trigger::Rotate);
    world.live(days{2});
    EXPECT_EQ(generation(), 2U);
    EXPECT_FALSE(works("id1")) << "nor does anything wait for it";
}

TEST_F(Hooked, AStopIsNoFailure) {
    have(&core::HooksPolicy::after_publish, true);
    world.hooks.failing = core::Error{ErrorKind::TooEarly, "we stop"};
    world.settle(Trigger::Start);
    EXPECT_EQ(world.store.state->current->told, core::Told{});
}

TEST_F(Hooked, AnOldKeyGoesOnceItsProgramsAreTold) {
    have(&core::HooksPolicy::before_disable, true);
    world.settle(Trigger::Start);
    world.settle(Trigger::Rotate);
    EXPECT_TRUE(world.hooks.ran.empty());
    break_hook();
    world.live(days{2});
    EXPECT_EQ(world.hooks.fact("DEVKEYD_HOOK"), "before_disable");
    EXPECT_EQ(world.hooks.fact("DEVKEYD_KEY_ID"), "id1");
    EXPECT_TRUE(works("id1"));
    world.hooks.failing.reset();
    world.live(1h);
    EXPECT_FALSE(works("id1"));
}

TEST_F(Hooked, AnOldKeyGoesAllTheSameWhereItsHookIsNotRequired) {
    have(&core::HooksPolicy::before_disable);
    world.settle(Trigger::Start);
    world.settle(Trigger::Rotate);
    break_hook();
    world.live(days{1} + 1min);
    EXPECT_EQ(world.hooks.ran.size(), 1U);
    EXPECT_FALSE(works("id1"));
    EXPECT_EQ(world.settle().decision.reason, Reason::Healthy);
}

TEST_F(Hooked, AKeyThatLeakedWaitsForNoHook) {
    have(&core::HooksPolicy::before_disable, true);
    have(&core::HooksPolicy::after_publish, true);
    world.settle(Trigger::Start);
    break_hook();
    world.asking = {.request = core::Request::Rotate, .generation = 1, .compromised = true};
    world.settle(Trigger::Retry);
    world.live(1min);
    EXPECT_FALSE(works("id1"));
    world.live(days{2});
    EXPECT_EQ(generation(), 2U) << "there is nothing to go back to";
}

TEST_F(Hooked, AKeyThatLeakedGoesBeforeProgramsAreTold) {
    have(&core::HooksPolicy::after_publish);
    world.settle(Trigger::Start);
    world.service.next("disable", {fakes::Service::Fault::LoseRequest});
    world.asking = {.request = core::Request::Rotate, .generation = 1, .compromised = true};
    world.settle(Trigger::Retry);
    EXPECT_TRUE(works("id1"));
    for (const auto& old : world.store.state->superseded) EXPECT_TRUE(old.secret.empty()) << "it was tried";
}

// The service goes away just before the leaked key is disabled, and the hook fails until it is back.
TEST_F(Hooked, AKeyThatLeakedIsNeverTakenBack) {
    have(&core::HooksPolicy::after_publish, true);
    world.settle(Trigger::Start);
    break_hook();
    world.service.next("disable", std::vector(60, fakes::Service::Fault::LoseRequest));
    world.asking = {.request = core::Request::Rotate, .generation = 1, .compromised = true};
    world.settle(Trigger::Retry);
    world.live(days{2});
    EXPECT_EQ(generation(), 2U);
    EXPECT_FALSE(works("id1"));
    EXPECT_EQ(world.asking, core::Asking{});
}

TEST_F(Hooked, AFailureIsToldOnceUntilItIsOver) {
    have(&core::HooksPolicy::on_failure);
    world.settle(Trigger::Start);
    world.service.refusal = {ErrorKind::Unavailable, "503"};
    world.service.next("log_in", std::vector(40, fakes::Service::Fault::Refuse));
    world.settle(Trigger::Rotate);
    EXPECT_TRUE(world.hooks.ran.empty()) << "that may pass by itself";
    world.live(30min);
    EXPECT_EQ(world.hooks.ran.size(), 1U);
    EXPECT_EQ(world.hooks.fact("DEVKEYD_REASON"), "service-unavailable");
    world.live(days{1});
    EXPECT_EQ(world.hooks.ran.size(), 1U);
    EXPECT_EQ(generation(), 2U);
}

}  // namespace
}  // namespace devkey::engine
