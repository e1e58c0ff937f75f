// The life of one key in a world without crashes: what the service, the disk and people may do to it.
#include <gtest/gtest.h>

#include "core/key_name.hpp"
#include "fakes/world.hpp"

namespace devkey::engine {
namespace {

using core::Action;
using core::ErrorKind;
using core::Reason;
using fakes::World;
using Fault = fakes::Service::Fault;
using namespace std::chrono_literals;

/// The end that every story should have: one key, published, known, and nothing else left behind.
void expect_one_healthy_key(World& world, const Snapshot& snapshot) {
    EXPECT_EQ(snapshot.decision.reason, Reason::Healthy)
        << core::name_of(snapshot.decision.reason) << " " << snapshot.decision.detail;
    EXPECT_TRUE(snapshot.usable);
    ASSERT_EQ(world.service.keys.size(), 1U);
    ASSERT_TRUE(world.sink.content);
    const auto& [id, key] = *world.service.keys.begin();
    EXPECT_EQ(world.sink.content->key.id, id);
    EXPECT_EQ(world.sink.content->key.secret.reveal(), key.secret);
    EXPECT_FALSE(world.store.state->intent);
    EXPECT_FALSE(world.store.state->pending);
}

TEST(FirstKey, IsCreatedProvenAndPublished) {
    World world;
    const auto snapshot = world.settle(Trigger::Start);
    expect_one_healthy_key(world, snapshot);
    EXPECT_EQ(world.effects.log(),
              (std::vector<std::string>{"save", "saved", "create", "created", "save", "saved", "save",
                                        "saved", "publish", "published", "save", "saved"}));
    EXPECT_EQ(world.service.requests(), 4U);  // log in, list, create, prove
    const auto name = core::parse_key_name(snapshot.key_name);
    ASSERT_TRUE(name);
    EXPECT_EQ(name->generation, 1U);
    EXPECT_EQ(name->device, "dev-1");
}

TEST(FirstKey, AHealthyStateMakesNoRequestAfterARestart) {
    World world;
    world.settle(Trigger::Start);
    const auto requests = world.service.requests();
    const auto saves = world.store.saves;
    world.restart();
    const auto snapshot = world.settle(Trigger::Start);
    expect_one_healthy_key(world, snapshot);
    EXPECT_FALSE(snapshot.decision.again);
    EXPECT_EQ(world.service.requests(), requests);
    EXPECT_EQ(world.store.saves, saves);
    EXPECT_EQ(world.sink.writes, 1);
}

// Nor one with --once where no clock is synchronised: nobody is in a hurry to know what time it is.
TEST(FirstKey, ARestartOfWhoIsInAHurryMakesNoRequestForTheTime) {
    World world;
    world.setup.policy.rotate.after = std::chrono::days{30};
    world.clock.synchronised = false;
    world.settle(Trigger::Retry);
    const auto requests = world.service.requests();
    world.restart();
    const auto snapshot = world.settle(Trigger::Retry);
    expect_one_healthy_key(world, snapshot);
    EXPECT_EQ(world.service.requests(), requests);
}

TEST(CredentialFile, IsRestoredFromTheStateWithoutARequest) {
    World world;
    world.settle(Trigger::Start);
    const auto requests = world.service.requests();
    world.sink.content.reset();
    expect_one_healthy_key(world, world.settle(Trigger::CredentialFile));
    world.sink.loosened = true;
    expect_one_healthy_key(world, world.settle(Trigger::CredentialFile));
    world.sink.content->key.secret = core::Secret{"someone else's"};
    expect_one_healthy_key(world, world.settle(Trigger::CredentialFile));
    EXPECT_EQ(world.sink.writes, 4);
    EXPECT_EQ(world.service.requests(), requests);
}

TEST(CredentialFile, IsLeftAloneWhereThePolicySaysSo) {
    World world;
    world.setup.policy.watchdog.credential_file = false;
    world.settle(Trigger::Start);
    world.sink.content.reset();
    EXPECT_FALSE(world.settle(Trigger::CredentialFile).usable);
    EXPECT_EQ(world.sink.writes, 1);
}

TEST(CredentialFile, OfAFormerLifeStaysUntilTheNewKeyIsProven) {
    World world;
    fakes::Sink::Content former{.identity = world.setup.identity, .key = {}};
    former.key.id = "former";
    world.sink.content = former;
    world.service.next("prove", {Fault::LoseRequest});
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::ServiceUnavailable);
    EXPECT_EQ(world.sink.content->key.id, "former");
    expect_one_healthy_key(world, world.run());
}

TEST(UnansweredCreate, WhoseRequestWasLostIsSentAgainUnderTheSameName) {
    World world;
    world.service.next("create", {Fault::LoseRequest, Fault::LoseRequest});
    expect_one_healthy_key(world, world.run());
    EXPECT_EQ(world.service.created_names.size(), 1U);
    EXPECT_EQ(world.store.state->last_generation, 1U);
}

TEST(UnansweredCreate, ThatLandedIsFoundAndRemovedBeforeAnotherIsMade) {
    World world;
    world.service.next("create", {Fault::LoseAnswer});
    expect_one_healthy_key(world, world.run());
    EXPECT_EQ(world.service.removed.size(), 1U);
    EXPECT_EQ(world.service.created_names.front(), world.service.created_names.back());  // still fenced
    EXPECT_TRUE(world.reporter.told("stray-removed"));
}

TEST(UnansweredCreate, ThatLandsLateMeetsTheFence) {
    for (const int late : {1, 2, 3, 5, 8}) {
        World world;
        world.service.late_calls = late;
        world.service.next("create", {Fault::LandLate});
        expect_one_healthy_key(world, world.run());
    }
}

TEST(UnansweredCreate, IsFoundPatientlyWhereListsLag) {
    World world;
    world.service.hidden_lists = 4;
    world.service.next("create", {Fault::LoseAnswer});
    expect_one_healthy_key(world, world.run());
    EXPECT_EQ(world.service.removed.size(), 1U);
}

TEST(UnansweredCreate, WhoseStrayAPersonRemovedIsAskedForAgain) {
    World world;
    world.service.next("create", {Fault::LoseAnswer});
    auto snapshot = world.settle(Trigger::Start);
    world.clock.advance(1min);
    world.service.next("list", {Fault::LoseRequest});
    snapshot = world.settle();
    ASSERT_EQ(world.store.state->intent->stage, core::Intent::Stage::Landed);
    world.service.keys.clear();
    expect_one_healthy_key(world, world.run());
}

TEST(UnansweredCreate, IsNotSettledByALaterRefusal) {
    World world;
    world.service.refusal = {ErrorKind::Forbidden, "403"};
    world.service.next("create", {Fault::LoseAnswer, Fault::Refuse});
    world.settle(Trigger::Start);
    world.clock.advance(1min);
    EXPECT_EQ(world.settle().decision.reason, Reason::ServiceForbids);
    EXPECT_EQ(world.store.state->intent->stage, core::Intent::Stage::Sent);
    expect_one_healthy_key(world, world.run());
}

TEST(UnansweredCreate, AtTheLimitIsLookedForInTheList) {
    World world;
    world.service.can.keys_per_owner = 1;
    world.service.refusal = {ErrorKind::LimitReached, "limit"};
    world.service.next("create", {Fault::LoseAnswer, Fault::Refuse});
    expect_one_healthy_key(world, world.run());
}

TEST(UnansweredCreate, WaitsOutItsHorizonWhereNamesAreNotUnique) {
    World world;
    world.service.can.unique_names = false;
    world.service.can.late_landing = 60s;
    world.service.next("create", {Fault::LoseRequest});
    const auto snapshot = world.settle(Trigger::Start);
    EXPECT_EQ(snapshot.decision.reason, Reason::LateLandingPossible);
    EXPECT_TRUE(world.service.created_names.empty());
    expect_one_healthy_key(world, world.run());
    EXPECT_EQ(world.service.created_names.size(), 1U);
    EXPECT_GE(world.clock.boot_now() - core::BootInstant{1h}, 60s);
}

TEST(UnansweredCreate, IsFoundByNameWhereNamesAreNotUnique) {
    World world;
    world.service.can.unique_names = false;
    world.service.can.late_landing = 60s;
    world.service.late_calls = 4;
    world.service.next("create", {Fault::LandLate});
    expect_one_healthy_key(world, world.run());
    EXPECT_EQ(world.service.removed.size(), 1U);
}

TEST(NewKey, IsTriedPatientlyWhileTheServiceLags) {
    World world;
    world.service.refusal = {ErrorKind::Unauthenticated, "401"};
    world.service.next("prove", {Fault::Refuse, Fault::Refuse, Fault::Refuse});
    const auto snapshot = world.settle(Trigger::Start);
    EXPECT_EQ(snapshot.decision.reason, Reason::NewKeyNotAcceptedYet);
    EXPECT_FALSE(world.sink.content);
    expect_one_healthy_key(world, world.run());
    EXPECT_EQ(world.service.created_names.size(), 1U);
}

TEST(NewKey, ThatNeverLogsInIsRemovedThreeTimesThenHeld) {
    World world;
    world.service.refusal = {ErrorKind::Unauthenticated, "401"};
    world.service.next("prove", std::vector(200, Fault::Refuse));
    const auto snapshot = world.run(200);
    EXPECT_EQ(snapshot.decision.action, Action::Hold);
    EXPECT_EQ(snapshot.decision.reason, Reason::NewKeysKeepFailing);
    EXPECT_EQ(world.service.created_names.size(), 3U);
    EXPECT_TRUE(world.service.keys.empty());
    EXPECT_FALSE(world.sink.content);

    world.restart();  // a crash loop must not mint
    EXPECT_EQ(world.run(200).decision.reason, Reason::NewKeysKeepFailing);
    EXPECT_EQ(world.service.created_names.size(), 3U);

    world.service.next("prove", {});
    // A token that is renewed every hour asks for nothing; a person does.
    EXPECT_EQ(world.settle(Trigger::OwnerSecret).decision.reason, Reason::NewKeysKeepFailing);
    expect_one_healthy_key(world, world.settle(Trigger::Retry));
}

TEST(NewKey, IsNotBlamedForAnHourWithoutNetwork) {
    World world;
    world.service.refusal = {ErrorKind::Unauthenticated, "401"};
    world.service.next("prove", {Fault::Refuse});
    world.settle(Trigger::Start);
    world.clock.advance(1h);
    expect_one_healthy_key(world, world.settle());
    EXPECT_TRUE(world.service.removed.empty());
}

TEST(NewKey, IsKeptWhileTheProviderIsOff) {
    World world;
    world.service.refusal = {ErrorKind::ProviderOff, "404"};
    world.service.next("prove", std::vector(6, Fault::Refuse));
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::ProviderOff);
    EXPECT_TRUE(world.store.state->pending);
    expect_one_healthy_key(world, world.run());
    EXPECT_TRUE(world.service.removed.empty());
}

TEST(Owner, RefusedWaitsLongAndComesBackOnceMended) {
    World world;
    world.service.refusal = {ErrorKind::Unauthenticated, "401"};
    world.service.next("log_in", {Fault::Refuse});
    const auto snapshot = world.settle(Trigger::Start);
    EXPECT_EQ(snapshot.decision.reason, Reason::OwnerRefused);
    EXPECT_GE(*snapshot.decision.again - world.clock.boot_now(), 5min);
    EXPECT_EQ(world.settle().decision.reason, Reason::OwnerRefused);
    EXPECT_EQ(world.service.requests(), 1U);
    expect_one_healthy_key(world, world.settle(Trigger::OwnerSecret));
}

TEST(Owner, RetryAfterHoldsEvenForAPersonInAHurry) {
    World world;
    world.service.refusal = {
        .kind = ErrorKind::RateLimited, .message = "429", .retry_after = std::chrono::seconds{600}};
    world.service.next("log_in", {Fault::Refuse});
    EXPECT_GE(*world.settle(Trigger::Start).decision.again - world.clock.boot_now(), 600s);
    for (const Trigger trigger : {Trigger::OwnerSecret, Trigger::Retry})
        EXPECT_EQ(world.settle(trigger).decision.reason, Reason::RateLimited);
    EXPECT_EQ(world.service.requests(), 1U);
}

TEST(Owner, RetryAfterHoldsForTheAgentThatTakesThisOnesPlace) {
    World world;
    world.service.refusal = {
        .kind = ErrorKind::RateLimited, .message = "429", .retry_after = std::chrono::seconds{600}};
    world.service.next("log_in", {Fault::Refuse});
    world.settle(Trigger::Start);
    const Reconciler former = *world.agent;
    world.restart();
    world.agent->succeed(former);
    EXPECT_EQ(world.settle(Trigger::Retry).decision.reason, Reason::RateLimited);
    EXPECT_EQ(world.service.requests(), 1U);

    world.setup.identity.service = "https://other.example";  // which asked for nothing
    world.restart();
    world.agent->succeed(former);
    expect_one_healthy_key(world, world.settle(Trigger::Retry));
}

TEST(Owner, WithAFullQuotaIsSaidAndWaitedFor) {
    World world;
    for (int i = 0; i < 20; ++i)
        world.service.keys["x" + std::to_string(i)] = {.name = "other" + std::to_string(i), .secret = "s"};
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::QuotaFull);
    EXPECT_EQ(world.store.saves, 0);
    world.service.keys.clear();
    expect_one_healthy_key(world, world.run());
}

TEST(Identity, ChangedInTheSettingsHoldsEverything) {
    for (auto change : {+[](core::Identity& identity) { identity.service = "https://other"; },
                        +[](core::Identity& identity) { identity.app = "other"; },
                        +[](core::Identity& identity) { identity.owner = "local-userpass:bob"; },
                        +[](core::Identity& identity) { identity.device = "dev-2"; }}) {
        World world;
        world.settle(Trigger::Start);
        const auto requests = world.service.requests();
        change(world.setup.identity);
        world.restart();
        world.sink.content.reset();
        EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::IdentityChanged);
        EXPECT_FALSE(world.sink.content);
        EXPECT_EQ(world.service.requests(), requests);
    }
}

TEST(Identity, OfAnotherOwnerAtTheServiceHoldsBeforeAnyChange) {
    World world;
    world.service.next("create", {Fault::LoseAnswer});
    world.settle(Trigger::Start);
    world.service.owner = "owner-2";
    world.restart();
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::IdentityChanged);
    EXPECT_EQ(world.service.keys.size(), 1U);
    EXPECT_TRUE(world.store.state->intent);
}

TEST(Clone, OnAnotherMachineIsHeld) {
    World world;
    world.settle(Trigger::Start);
    world.setup.machine = "machine-2";
    world.restart();
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::CloneSuspected);
}

TEST(Clone, SeenInTheListIsHeldAndNothingIsTouched) {
    World world;
    world.service.next("create", {Fault::LoseRequest});
    world.settle(Trigger::Start);
    auto twins = *core::parse_key_name(world.store.state->intent->name);
    twins.generation = 7;
    world.service.keys["twin"] = {.name = core::format(twins), .secret = "s"};
    world.store.state->intent.reset();
    world.restart();
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::CloneSuspected);
    EXPECT_EQ(world.service.keys.size(), 1U);
}

TEST(Disk, ThatRefusesTheIntentStopsTheCreate) {
    World world;
    world.store.always_failing = ErrorKind::Io;
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::DiskRefuses);
    EXPECT_TRUE(world.service.created_names.empty());
    world.store.always_failing.reset();
    expect_one_healthy_key(world, world.run());
}

TEST(Disk, ThatRefusesTheSecretHasTheKeyRemovedAtOnce) {
    World world;
    world.store.failing_saves = {{2, ErrorKind::Io}, {3, ErrorKind::Io}};
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::DiskRefuses);
    EXPECT_TRUE(world.service.keys.empty());
    EXPECT_EQ(world.service.created_names.size(), 1U);
    expect_one_healthy_key(world, world.run());
}

TEST(Disk, ThatRefusesTheSecretWhileTheServiceIsGoneLeavesAKnownName) {
    World world;
    world.store.failing_saves = {{2, ErrorKind::Io}};
    world.service.next("remove", {Fault::LoseRequest});
    world.settle(Trigger::Start);
    EXPECT_EQ(world.service.keys.size(), 1U);
    EXPECT_EQ(world.store.state->intent->name, world.service.keys.begin()->second.name);
    expect_one_healthy_key(world, world.run());
}

TEST(Disk, WithAnUnreadableStateIsNeverTakenForANewDevice) {
    World world;
    world.store.unreadable = core::Error{ErrorKind::Corrupt, "state.json: torn"};
    EXPECT_EQ(world.settle(Trigger::Start).decision.reason, Reason::StateUnreadable);
    EXPECT_EQ(world.service.requests(), 0U);
    world.store.unreadable.reset();
    expect_one_healthy_key(world, world.settle(Trigger::Retry));
}

TEST(Disk, ThatRefusesTheCredentialFileKeepsTheKeyAndTriesAgain) {
    World world;
    world.sink.failing = ErrorKind::Forbidden;
    const auto snapshot = world.settle(Trigger::Start);
    EXPECT_EQ(snapshot.decision.reason, Reason::NotPermitted);
    EXPECT_FALSE(snapshot.usable);
    world.sink.failing.reset();
    expect_one_healthy_key(world, world.run());
    EXPECT_EQ(world.service.created_names.size(), 1U);
}

}  // namespace
}  // namespace devkey::engine
