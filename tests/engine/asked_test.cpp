// A rotation that a person has asked for: written down, done once, and at once where the key has leaked.
#include <gtest/gtest.h>

#include <algorithm>

#include "fakes/world.hpp"

namespace devkey::engine {
namespace {

using core::Asking;
using core::Request;
using fakes::World;
using namespace std::chrono_literals;
using std::chrono::days;

struct Asked : testing::Test {
    Asked() { world.settle(Trigger::Start); }
    void ask(std::uint32_t generation, bool compromised = false) {
        world.asking = {.request = Request::Rotate, .generation = generation, .compromised = compromised};
    }
    [[nodiscard]] std::uint32_t generation() const { return world.store.state->current->key.generation; }
    [[nodiscard]] bool works(const std::string& id) const {
        return world.service.keys.contains(id) && world.service.keys.at(id).enabled;
    }

    World world;
};

TEST_F(Asked, ReplacesTheGenerationThatItNamesOnce) {
    ask(1);
    world.settle(Trigger::Retry);
    EXPECT_EQ(generation(), 2U);
    EXPECT_EQ(world.asking, Asking{});
    ask(1);  // again, by who didn't know
    const auto requests = world.service.calls;
    world.settle(Trigger::Retry);
    EXPECT_EQ(generation(), 2U);
    EXPECT_EQ(world.asking, Asking{});
    EXPECT_EQ(world.service.calls, requests);
}

TEST_F(Asked, AGenerationStillToComeMakesNoKey) {
    ask(8);
    world.settle(Trigger::Retry);
    EXPECT_EQ(generation(), 1U);
    EXPECT_EQ(world.service.keys.size(), 1U);
    EXPECT_EQ(world.asking, Asking{}) << "nobody waits for it";
}

TEST_F(Asked, StandsWhileTheServiceIsAwayAndSurvivesARestart) {
    world.service.next("log_in", {fakes::Service::Fault::LoseRequest});
    ask(1);
    world.settle(Trigger::Retry);
    EXPECT_EQ(world.asking.request, Request::Rotate);
    world.restart();
    world.run(3);
    EXPECT_EQ(generation(), 2U);
    EXPECT_EQ(world.asking, Asking{});
}

TEST_F(Asked, LeavesTheOldKeyItsGrace) {
    const auto old = world.store.state->current->key.id;
    ask(1);
    world.live(1h);
    EXPECT_TRUE(works(old));
    world.live(days{2});
    EXPECT_FALSE(works(old));
}

TEST_F(Asked, AKeyThatLeakedIsDisabledOnceAnotherIsPublished) {
    const auto leaked = world.store.state->current->key.id;
    world.setup.policy.rotate.windows = {*core::parse_window("Sat 03:00-04:00")};
    world.restart();
    ask(1, true);
    world.settle(Trigger::Retry);
    EXPECT_EQ(generation(), 2U);
    EXPECT_FALSE(works(leaked));
    EXPECT_TRUE(works(world.sink.content->key.id));
    EXPECT_EQ(world.sink.content->key.generation, 2U);
    EXPECT_EQ(world.asking, Asking{});
    const auto& called = world.service.called;
    EXPECT_LT(std::ranges::find(called, "create"), std::ranges::find(called, "disable"));
    EXPECT_TRUE(world.service.keys.contains(leaked)) << "it is deleted when the policy says so";
}

TEST_F(Asked, ALeakIsToldAlsoOfAKeyThatIsSupersededAlready) {
    const auto leaked = world.store.state->current->key.id;
    ask(1);
    world.settle(Trigger::Retry);
    ASSERT_TRUE(works(leaked));
    ask(1, true);
    world.settle(Trigger::Retry);
    EXPECT_FALSE(works(leaked));
    EXPECT_EQ(generation(), 2U);
    EXPECT_EQ(world.asking, Asking{});
}

TEST_F(Asked, AKeyThatLeakedStaysWhileNoOtherIsThere) {
    const auto leaked = world.store.state->current->key.id;
    world.service.refusal = {fakes::ErrorKind::Unavailable, "503"};
    world.service.next("create", std::vector(3, fakes::Service::Fault::Refuse));
    ask(1, true);
    world.settle(Trigger::Retry);
    EXPECT_TRUE(works(leaked));
    EXPECT_EQ(world.asking.request, Request::Rotate);
    world.live(1h);
    EXPECT_FALSE(works(leaked));
}

TEST_F(Asked, WhereKeysCannotBeDisabledALeakedOneIsRemoved) {
    const auto leaked = world.store.state->current->key.id;
    world.service.can.can_disable = false;
    ask(1, true);
    world.settle(Trigger::Retry);
    EXPECT_FALSE(world.service.keys.contains(leaked));
    EXPECT_EQ(world.asking, Asking{});
}

}  // namespace
}  // namespace devkey::engine
