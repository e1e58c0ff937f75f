// How a device shares its owner's slots with others, and doesn't come all at once with them.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "fakes/world.hpp"

namespace devkey::engine {
namespace {

using core::Millis;
using fakes::World;
using namespace std::chrono_literals;
using std::chrono::days;

/// How old the first key of a device gets, where the owner's other devices hold so many keys.
Millis age_at_rotation(const std::string& device, std::size_t others) {
    World world;
    world.setup.policy = core::Policy{};
    world.setup.identity.device = device;
    for (std::size_t i = 0; i < others; ++i)
        world.service.keys["k" + std::to_string(i)] = {
            .name = "web shop " + std::to_string(i), .secret = "s", .enabled = true, .hidden_lists = 0};
    world.settle(Trigger::Start);
    const auto first_at = world.store.state->current->key.created_at;
    while (world.store.state->current->key.generation == 1) world.live(1h);
    return world.store.state->current->key.created_at - first_at;
}

TEST(Crowded, ARotationBeginsEarlierButLeavesTheLastSlotAloneUntilItsOrdinaryTime) {
    int waited = 0;
    for (int number = 1; number <= 10; ++number) {
        const auto device = "dev-" + std::to_string(number);
        const Millis usual = age_at_rotation(device, 0);
        const Millis early = age_at_rotation(device, 14);
        const Millis with_one_free = age_at_rotation(device, 18);
        EXPECT_GE(usual, days{27});
        EXPECT_LT(early, usual);
        EXPECT_GE(early, days{24});
        EXPECT_GE(with_one_free, std::max<Millis>(early, days{27}));
        EXPECT_LE(with_one_free, std::max<Millis>(early, days{27}) + 1h);
        waited += with_one_free > early ? 1 : 0;
    }
    EXPECT_GT(waited, 0);
}

/// A device that needs another key, with `others` keys of the owner's other devices.
struct Slots : testing::Test {
    Slots() {
        world.settle(Trigger::Start);
        world.clock.advance(1h);
    }
    void add_others(std::size_t others) {
        for (std::size_t i = 0; i < others; ++i)
            world.service.keys["k" + std::to_string(i)] = {
                .name = "web shop " + std::to_string(i), .secret = "s", .enabled = true, .hidden_lists = 0};
    }
    [[nodiscard]] std::uint32_t generation() const { return world.store.state->current->key.generation; }

    World world;
};

// Another device came first: the list showed room, the create found none.
TEST_F(Slots, OneThatWasTakenBetweenTheLookAndTheCreateIsLookedForAsSoonAsAnyOther) {
    world.service.next("create", {fakes::Service::Fault::Refuse});
    world.service.refusal = {core::ErrorKind::LimitReached, "20 of 20"};
    world.setup.policy.rotate.after = 10min;  // a look each 2.5 s
    world.restart();
    world.settle(Trigger::Rotate);
    ASSERT_EQ(generation(), 1U);
    world.live(3s);
    EXPECT_EQ(generation(), 2U);
}

TEST_F(Slots, TheLastButOneIsGivenBackRightAfterTheGrace) {
    world.setup.policy.superseded = {.keep_enabled = 1h, .delete_after = days{7}};
    world.restart();
    add_others(17);
    world.settle(Trigger::Rotate);
    ASSERT_EQ(generation(), 2U);
    ASSERT_EQ(world.service.keys.size(), 19U);
    world.live(2h + 1min);
    EXPECT_EQ(world.service.keys.size(), 18U);
}

TEST(PowerCut, WhatCameDueDuringAPowerCutIsMadeUpWithinAnHour) {
    std::set<std::int64_t> minutes;
    for (int device = 1; device <= 20; ++device) {
        World fresh;
        fresh.setup.policy = core::Policy{};
        fresh.setup.policy.watchdog.key_login.reset();
        fresh.setup.policy.watchdog.key_listed.reset();
        fresh.setup.identity.device = "dev-" + std::to_string(device);
        fresh.settle(Trigger::Start);
        fresh.clock.advance(days{40});  // off
        fresh.clock.reboot();
        fresh.restart();
        const auto from = fresh.clock.now();
        while (fresh.store.state->current->key.generation == 1) fresh.live(1min);
        const Millis after = fresh.clock.now() - from;
        EXPECT_LE(after, 1h + 1min);
        minutes.insert(std::chrono::floor<std::chrono::minutes>(after).count());
    }
    EXPECT_GT(minutes.size(), 10U);
}

}  // namespace
}  // namespace devkey::engine
