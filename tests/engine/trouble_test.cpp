// What the simulation (tests/sim) found, each retold as a small story.
#include <gtest/gtest.h>

#include <algorithm>

#include "fakes/world.hpp"

namespace devkey::engine {
namespace {

using core::ErrorKind;
using core::Millis;
using core::Reason;
using fakes::World;
using Fault = fakes::Service::Fault;
using namespace std::chrono_literals;
using std::chrono::days;

std::ptrdiff_t calls(const World& world, std::string_view call) {
    return std::ranges::count(world.service.called, call);
}

TEST(Trouble, AFullDiskIsTriedLessAndLessOftenForTheStateAndForTheCredentialFile) {
    World world;
    world.run();
    world.store.always_failing = ErrorKind::Io;
    world.sink.failing = ErrorKind::Io;
    world.settle(Trigger::Rotate);
    world.sink.content.reset();
    const auto snapshot = world.settle(Trigger::CredentialFile);  // throws if it never settles
    EXPECT_EQ(snapshot.decision.reason, Reason::DiskRefuses);
}

// A rename is on disk only when its directory is: who dies in between leaves a file that a power cut may take
// back, and a successor that only looked at it would begin the grace of the old key.
TEST(Trouble, APublishingThatAProcessDiedInIsDoneAgain) {
    World whole;
    whole.settle(Trigger::Start);
    const auto& log = whole.effects.log();
    const auto published = std::ranges::find(log, "published") - log.begin() + 1;
    World world;
    world.effects.crash_at(static_cast<std::size_t>(published));
    EXPECT_THROW(world.settle(Trigger::Start), fakes::Crash);
    EXPECT_EQ(world.sink.writes, 1);
    world.effects.crash_at(0);
    world.restart();
    world.settle(Trigger::Start);
    EXPECT_EQ(world.sink.writes, 2);
    EXPECT_TRUE(world.store.state->current->published_at);
}

TEST(Trouble, AClockThatWasSetEndsTheWaitForACertificateThatWasNotGoodYet) {
    World world;
    world.service.refusal = {ErrorKind::Insecure, "certificate is not yet valid"};
    world.service.next("log_in", {Fault::Refuse});
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::ConnectionInsecure);
    EXPECT_EQ(world.settle(Trigger::Due).decision.reason, Reason::ConnectionInsecure);
    EXPECT_EQ(world.settle(Trigger::ClockSet).decision.reason, Reason::Healthy);
}

TEST(Trouble, AKeyWhoseSaveFailedAfterItsRenameIsKnownAndStays) {
    World world;
    world.service.on_create = [&world] { world.store.fails_after_rename = true; };
    const auto snapshot = world.run();
    EXPECT_EQ(snapshot.decision.reason, Reason::Healthy);
    EXPECT_TRUE(
        world.service.removed.empty());  // a removal on its way could meet a key that was published since
    EXPECT_EQ(world.service.created_names.size(), 1U);
}

/// A new key that was refused until patience was over, and whose removal wasn't answered.
void refuse_new_key(World& world, Fault removal) {
    world.setup.policy.verify_patience = Millis{0};
    world.service.refusal = {ErrorKind::Unauthenticated, "401"};
    world.service.next("prove", {Fault::Refuse});
    world.service.next("remove", {removal});
    world.settle(Trigger::Start);
}

TEST(Trouble, ARefusedKeyWhoseRemovalIsOnItsWayIsNeverPublished) {
    World world;
    refuse_new_key(world, Fault::LoseRequest);
    ASSERT_EQ(world.service.keys.size(), 1U);
    const auto refused = world.service.keys.begin()->first;
    world.restart();  // forgets how often the key was tried; it would log in now
    const auto snapshot = world.run();
    EXPECT_EQ(snapshot.decision.reason, Reason::Healthy);
    EXPECT_NE(snapshot.key_id, refused);
    EXPECT_FALSE(world.service.keys.contains(refused));
}

TEST(Trouble, ARequestThatLandsAfterItsKeyWasRefusedMakesNoKeyThatNobodyKnows) {
    for (const int late : {4, 5, 6, 7, 8, 9}) {
        World world;
        world.service.late_calls = late;
        world.service.next("create", {Fault::LandLate});
        world.setup.policy.verify_patience = Millis{0};
        world.service.refusal = {ErrorKind::Unauthenticated, "401"};
        world.service.next("prove", {Fault::Refuse});
        const auto snapshot = world.run();
        EXPECT_EQ(snapshot.decision.reason, Reason::Healthy) << late;
        EXPECT_EQ(world.service.keys.size(), 1U) << late;
    }
}

TEST(Trouble, ANameThatIsTakenAndNeverListedIsNoStorm) {
    World world;
    world.service.refusal = {ErrorKind::Conflict, "409"};
    world.service.next("create", std::vector<Fault>(10'000, Fault::Refuse));
    world.live(1h);
    const auto first_hour = calls(world, "list");
    EXPECT_LE(first_hour, 120);
    world.live(1h);
    EXPECT_LE(calls(world, "list") - first_hour, 50);
}

TEST(Trouble, AFullQuotaIsSaidAlsoWhileACreateIsUnanswered) {
    World world;
    world.service.next("create", {Fault::LoseRequest, Fault::Refuse, Fault::Refuse, Fault::Refuse});
    world.service.refusal = {ErrorKind::LimitReached, "too many keys"};
    const auto snapshot = world.live(3min);
    EXPECT_EQ(snapshot.decision.reason, Reason::QuotaFull);
    EXPECT_EQ(world.live(3h).decision.reason, Reason::Healthy);
}

/// A device with its first key, which only the watchdog looks after.
void start_watched(World& world) {
    world.settle(Trigger::Start);
    world.setup.policy.watchdog = {};
    world.restart();
    world.live(1min);
    world.service.called.clear();
}

TEST(Trouble, AKeyThatIsRefusedThoughTheOwnerFindsNothingWrongIsNoStorm) {
    World world;
    start_watched(world);
    world.service.refusal = {ErrorKind::Unauthenticated, "401"};
    world.service.next("prove", std::vector<Fault>(10'000, Fault::Refuse));
    const auto snapshot = world.live(days{2});
    EXPECT_EQ(snapshot.decision.reason, Reason::LoginRefused);
    EXPECT_EQ(world.store.state->current->standing, core::Standing::Enabled);
    EXPECT_LE(world.service.called.size(), 100U);
    EXPECT_GE(calls(world, "prove"), 5);
    world.service.next("prove", {});
    EXPECT_EQ(world.live(12h).decision.reason, Reason::Healthy);
}

TEST(Trouble, AKeyEnabledAgainIsNoticedWhereTheOwnerNeverAsks) {
    World world;
    start_watched(world);
    world.setup.policy.watchdog.key_listed.reset();
    world.restart();
    auto& key = world.service.keys.begin()->second;
    key.enabled = false;
    EXPECT_EQ(world.live(12h).decision.reason, Reason::KeyDisabledOutside);
    key.enabled = true;
    EXPECT_EQ(world.live(days{1}).decision.reason, Reason::Healthy);
}

TEST(Trouble, ARefusalOfTheOldKeySaysNothingOfTheNewOne) {
    World world;
    start_watched(world);
    world.service.refusal = {ErrorKind::Unauthenticated, "401"};
    world.service.next("prove", {Fault::Refuse});
    world.service.next("list", {Fault::LoseRequest});  // so the owner doesn't get to ask about it
    for (int seconds = 0; calls(world, "list") == 0 && seconds < 6 * 3600; ++seconds) world.live(1s);
    ASSERT_EQ(calls(world, "list"), 1);
    world.service.called.clear();
    world.service.next("list", {Fault::LoseRequest});
    world.settle(Trigger::Rotate);
    world.live(1min);
    EXPECT_EQ(world.store.state->current->key.generation, 2U);
    EXPECT_EQ(calls(world, "list"), 2);  // the one that was lost, and the one before the create
}

TEST(Trouble, AYoungKeyThatIsNotShownYetIsNotDeleted) {
    World world;
    start_watched(world);
    world.setup.policy.watchdog.jitter_percent = 0;
    world.setup.policy.watchdog.key_listed = 2s;
    world.restart();
    world.service.hidden_lists = 100;
    world.settle(Trigger::Rotate);
    auto& key = world.service.keys.at(world.store.state->current->key.id);
    key.enabled = false;  // as a service shows it that lags
    world.service.refusal = {ErrorKind::NotFound, "404"};
    world.service.next("get", std::vector<Fault>(3, Fault::Refuse));
    world.live(3s);
    EXPECT_EQ(calls(world, "get"), 1);
    EXPECT_EQ(world.store.state->current->standing, core::Standing::Enabled);
    key.enabled = true;
    world.service.next("get", {});
    EXPECT_EQ(world.live(1min).decision.reason, Reason::Healthy);
}

TEST(Trouble, TimeGoesOnWhereNoClockIsTrusted) {
    World world;
    world.settle(Trigger::Start);
    world.setup.policy.watchdog = {};
    world.clock.reboot();
    world.clock.synchronised = false;
    world.clock.wrong_by = core::Instant{} - world.clock.true_now();
    world.service.tells_date = false;
    world.restart();
    world.service.called.clear();
    world.live(days{2});
    EXPECT_GE(calls(world, "prove"), 7);
    EXPECT_LE(calls(world, "prove"), 10);
}

TEST(Trouble, TheGraceNeverBeginsBeforeTheSuccessorIsPublished) {
    World world;
    world.run();
    const auto old = world.store.state->current->key.id;
    world.settle(Trigger::Rotate);  // …until nothing is left to be done
    world.sink.failing = ErrorKind::Io;
    world.settle(Trigger::Rotate);
    world.live(days{2});
    ASSERT_FALSE(world.store.state->current->published_at);
    EXPECT_FALSE(world.store.state->superseded.back().superseded_at);
    world.sink.failing.reset();
    world.live(23h);
    const auto second = world.store.state->superseded.back().id;
    EXPECT_NE(second, old);
    EXPECT_TRUE(world.service.keys.at(second).enabled);
    world.live(2h);
    EXPECT_FALSE(world.service.keys.at(second).enabled);
}

TEST(Trouble, WhatTheServiceAskedForHoldsWhateverTheErrorIs) {
    World world;
    world.service.refusal = {
        .kind = ErrorKind::Unavailable, .message = "503", .retry_after = std::chrono::seconds{600}};
    world.service.next("log_in", {Fault::Refuse});
    world.settle(Trigger::Start);
    for (const auto trigger : {Trigger::Retry, Trigger::OwnerSecret, Trigger::Rotate})
        EXPECT_EQ(world.settle(trigger).decision.reason, Reason::ServiceUnavailable);
    EXPECT_EQ(world.service.requests(), 1U);
}

TEST(Trouble, ATouchedCredentialFileIsWrittenAtOnceThoughItCouldNotBeForLong) {
    World world;
    world.run();
    world.sink.content.reset();
    world.sink.failing = ErrorKind::NotFound;  // its folder is gone
    const auto snapshot = world.settle(Trigger::CredentialFile);
    EXPECT_EQ(snapshot.decision.reason, Reason::DiskRefuses);
    world.sink.failing.reset();
    EXPECT_FALSE(world.settle().usable);
    EXPECT_TRUE(world.settle(Trigger::CredentialFile).usable);
}

TEST(Trouble, AStateThatTheDiskRefusesIsReadLater) {
    World world;
    world.run();
    world.store.unreadable = core::Error{ErrorKind::Io, "input/output error"};
    world.restart();
    const auto snapshot = world.settle(Trigger::Start);
    EXPECT_EQ(snapshot.decision.reason, Reason::DiskRefuses);
    ASSERT_TRUE(snapshot.decision.again);
    world.store.unreadable.reset();
    EXPECT_EQ(world.live(2min).decision.reason, Reason::Healthy);
}

TEST(Trouble, AStateIsBoundToTheMachineAsSoonAsThatHasAnId) {
    World world;
    world.setup.machine.clear();
    world.run();
    EXPECT_TRUE(world.store.state->machine.empty());
    world.setup.machine = "machine-1";
    world.restart();
    world.settle(Trigger::Rotate);
    EXPECT_EQ(world.store.state->machine, "machine-1");
    world.setup.machine.clear();
    world.restart();
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::Healthy);
    EXPECT_TRUE(world.reporter.told("machine-unknown"));
}

TEST(Reports, ADecisionOnceUntilItChanges) {
    World world;
    world.settle(Trigger::Start);
    for (int i = 0; i < 5; ++i) world.settle(Trigger::CredentialFile);
    EXPECT_EQ(world.reporter.times("healthy"), 1);
    EXPECT_EQ(world.reporter.times("key-created"), 1);
}

// Whatever a service says, or a hand wrote into the state: what the programs use isn't removed.
TEST(Stray, WithThePublishedKeysIdIsNotRemoved) {
    World world;
    world.settle(Trigger::Start);
    auto& state = *world.store.state;
    state.intent = core::Intent{.name = "devkey-dev-1-abc234-2-aaaa",
                                .generation = 2,
                                .stage = core::Intent::Stage::Found,
                                .id = state.current->key.id};
    world.restart();
    world.live(1h);
    EXPECT_EQ(std::ranges::count(world.service.called, "remove"), 0);
    EXPECT_EQ(world.service.keys.size(), 1U);
}

}  // namespace
}  // namespace devkey::engine
