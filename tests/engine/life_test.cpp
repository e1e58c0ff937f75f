// A key's whole life by the policy and the schedule: rotation, grace, disabling, deletion, and what others
// do.
#include <gtest/gtest.h>

#include "fakes/world.hpp"

namespace devkey::engine {
namespace {

using core::ErrorKind;
using core::Millis;
using core::Reason;
using core::Standing;
using fakes::World;
using Fault = fakes::Service::Fault;
using namespace std::chrono_literals;
using std::chrono::days;

/// A device that has its first key, and the shipped policy.
struct Life : testing::Test {
    Life() {
        world.setup.policy = core::Policy{};
        world.settle(Trigger::Start);
        world.service.called.clear();
    }
    [[nodiscard]] const core::State& state() const { return *world.store.state; }
    [[nodiscard]] std::string current_id() const { return state().current->key.id; }
    [[nodiscard]] bool is_published(const std::string& id) const { return world.sink.content->key.id == id; }
    [[nodiscard]] std::size_t enabled_keys() const {
        return static_cast<std::size_t>(std::ranges::count_if(
            world.service.keys, [](const auto& entry) { return entry.second.enabled; }));
    }
    void put_key(const std::string& id, const std::string& name) {
        world.service.keys[id] = {.name = name, .secret = "s-" + id, .enabled = true, .hidden_lists = 0};
    }

    World world;
};

TEST_F(Life, RotatesByAgeWithinTheJitterAndLetsTheOldKeyGo) {
    const auto old = current_id();
    world.live(days{27} - 1h);
    EXPECT_EQ(current_id(), old);
    world.live(days{3} + 1h);
    const auto fresh = current_id();
    EXPECT_NE(fresh, old);
    EXPECT_TRUE(is_published(fresh));
    EXPECT_EQ(state().current->key.generation, 2U);
    world.live(days{2});
    EXPECT_FALSE(world.service.keys.at(old).enabled);  // the grace of 24 h is over
    world.live(days{8});
    EXPECT_FALSE(world.service.keys.contains(old));
    EXPECT_EQ(world.service.keys.size(), 1U);
    EXPECT_TRUE(state().superseded.empty());
}

TEST_F(Life, TheGraceRunsFromThePublishing) {
    world.setup.policy.watchdog.key_login.reset();
    world.setup.policy.watchdog.key_listed.reset();
    world.restart();
    const auto old = current_id();
    world.service.next("prove", {Fault::LoseRequest});  // the new key is proven later than it is made
    world.settle(Trigger::Rotate);
    world.live(1min);
    const auto published = *state().current->published_at;
    EXPECT_GT(published, state().current->key.created_at);
    world.live(published + 24h - world.clock.now() - 1s);
    EXPECT_TRUE(world.service.keys.at(old).enabled);
    world.live(2s);
    EXPECT_FALSE(world.service.keys.at(old).enabled);
}

TEST_F(Life, ARotationTakesFiveRequestsBesideLogOuts) {
    world.settle(Trigger::Rotate);
    EXPECT_EQ(world.service.called, (std::vector<std::string>{"log_in", "list", "create", "prove"}));
    EXPECT_EQ(state().current->key.generation, 2U);
}

TEST_F(Life, ARotationTellsAtAnyTimeThatTheFileHoldsTheKeyThatItDoesHold) {
    auto snapshot = world.agent->pass(Trigger::Rotate, world.asking);
    for (; snapshot.more; snapshot = world.agent->pass(Trigger::Due, world.asking)) {
        EXPECT_TRUE(snapshot.usable) << core::name_of(snapshot.decision.action);
        EXPECT_EQ(snapshot.key_id, world.sink.content->key.id) << core::name_of(snapshot.decision.action);
    }
    EXPECT_EQ(state().current->key.generation, 2U);
}

TEST_F(Life, DisablingAndDeletingTakeALogInAndOneRequestEach) {
    world.setup.policy.watchdog.key_login.reset();
    world.setup.policy.watchdog.key_listed.reset();
    world.restart();
    world.settle(Trigger::Rotate);
    world.service.called.clear();
    world.live(25h);
    EXPECT_EQ(world.service.called, (std::vector<std::string>{"log_in", "disable"}));
    world.service.called.clear();
    world.live(days{8});
    EXPECT_EQ(world.service.called, (std::vector<std::string>{"log_in", "remove"}));
}

TEST_F(Life, DeletesAtOnceWhereThePolicySaysSo) {
    world.setup.policy.superseded.then = core::SupersededPolicy::Then::Delete;
    world.restart();
    const auto old = current_id();
    world.settle(Trigger::Rotate);
    world.live(25h);
    EXPECT_FALSE(world.service.keys.contains(old));
}

TEST_F(Life, KeepsTheOldKeyWhileTheServiceIsAway) {
    const auto old = current_id();
    world.service.refusal = {ErrorKind::Unavailable, "503"};
    world.service.next("log_in", std::vector<Fault>(100'000, Fault::Refuse));
    const auto snapshot = world.live(days{31});
    EXPECT_EQ(current_id(), old);
    EXPECT_TRUE(snapshot.usable);
    EXPECT_EQ(snapshot.decision.reason, Reason::ServiceUnavailable);
    EXPECT_LE(std::ranges::count(world.service.called, "log_in"), 31 * 24 * 6 * 2);  // back-off, no storm
}

TEST_F(Life, AFullDiskStopsARotationBeforeItsCreate) {
    world.store.always_failing = ErrorKind::Io;
    world.settle(Trigger::Rotate);
    world.live(1h);
    EXPECT_EQ(world.service.keys.size(), 1U);
    EXPECT_EQ(std::ranges::count(world.service.called, "create"), 0);
    world.store.always_failing.reset();
    world.live(1h);
    EXPECT_EQ(state().current->key.generation, 2U);
}

TEST_F(Life, RotatesInAWindowOnly) {
    world.setup.policy.rotate.windows = {*core::parse_window("Mon..Fri 02:00-05:00")};
    world.restart();
    while (state().current->key.generation == 1) world.live(10min);
    const auto at = std::chrono::floor<std::chrono::minutes>(state().current->key.created_at);
    const auto day = std::chrono::floor<days>(at);
    EXPECT_GE(at - day, 2h);
    EXPECT_LE(at - day, 5h);
    EXPECT_LE(std::chrono::weekday{day}.iso_encoding(), 5U);
}

TEST_F(Life, AQuietDayMakesOnlyTheWatchdogsRequests) {
    world.live(24h);
    const auto logins = std::ranges::count(world.service.called, "prove");
    EXPECT_GE(logins, 4);
    EXPECT_LE(logins, 5);
    EXPECT_LE(std::ranges::count(world.service.called, "list"), 1);
    EXPECT_EQ(std::ranges::count(world.service.called, "create"), 0);
}

TEST_F(Life, ADisabledKeyIsNoticedAndObeyed) {
    world.service.keys.at(current_id()).enabled = false;
    const auto snapshot = world.live(7h);
    EXPECT_EQ(state().current->standing, Standing::DisabledOutside);
    EXPECT_EQ(snapshot.decision.reason, Reason::KeyDisabledOutside);
    world.live(days{60});
    EXPECT_EQ(world.service.keys.size(), 1U);
    EXPECT_EQ(enabled_keys(), 0U);
    world.service.keys.at(current_id()).enabled = true;  // the person lets it back in
    EXPECT_EQ(world.live(days{2}).decision.reason, Reason::Healthy);
}

TEST_F(Life, ADisabledKeyIsEnabledOrReplacedWhereThePolicySaysSo) {
    world.setup.policy.outside_changes.disabled = core::OutsideChangesPolicy::Disabled::Enable;
    world.restart();
    world.service.keys.at(current_id()).enabled = false;
    const auto mended = world.live(7h);
    EXPECT_TRUE(world.service.keys.at(current_id()).enabled);
    EXPECT_EQ(mended.decision.reason, Reason::Healthy);  // that it was refused isn't held against it

    world.setup.policy.outside_changes.disabled = core::OutsideChangesPolicy::Disabled::Replace;
    world.restart();
    const auto old = current_id();
    world.service.keys.at(old).enabled = false;
    world.live(7h);
    EXPECT_NE(current_id(), old);
    EXPECT_TRUE(is_published(current_id()));
    EXPECT_FALSE(world.service.keys.at(old).enabled);
}

TEST_F(Life, ADeletedKeyIsHeldOrReplaced) {
    const auto old = current_id();
    world.service.keys.erase(old);
    EXPECT_EQ(world.live(7h).decision.reason, Reason::KeyDeletedOutside);
    EXPECT_TRUE(world.service.keys.empty());
    world.setup.policy.outside_changes.deleted = core::OutsideChangesPolicy::Deleted::Replace;
    world.restart();
    EXPECT_EQ(world.live(1h).decision.reason, Reason::Healthy);
    EXPECT_NE(current_id(), old);
    EXPECT_TRUE(state().superseded.empty());
}

TEST_F(Life, ARefusalIsConfirmedByTheOwnerBeforeAnythingFollows) {
    world.service.refusal = {ErrorKind::Unauthenticated, "401"};
    world.service.next("prove", {Fault::Refuse});
    const auto snapshot = world.live(7h);
    EXPECT_EQ(state().current->standing, Standing::Enabled);
    EXPECT_EQ(snapshot.decision.reason, Reason::Healthy);
    EXPECT_TRUE(world.reporter.told("login-refused"));
}

TEST_F(Life, NoAnswerAtALogInIsUnknownAndNeverARefusal) {
    world.service.refusal = {ErrorKind::RateLimited, "429"};
    world.service.next("prove", {Fault::Refuse, Fault::LoseRequest});
    world.live(12h);
    EXPECT_EQ(state().current->standing, Standing::Enabled);
    EXPECT_EQ(std::ranges::count(world.service.called, "list"), 0);
}

TEST_F(Life, AListThatLagsDoesntMakeAKeyDeleted) {
    world.service.keys.at(current_id()).hidden_lists = 100;
    world.live(days{3});
    EXPECT_EQ(state().current->standing, Standing::Enabled);
}

TEST_F(Life, AnotherInstallationsKeyIsReportedOnceAndLeftAlone) {
    put_key("other", "devkey-dev-1-zzzzzz-3-aaaa");
    world.live(days{60});
    EXPECT_TRUE(world.service.keys.at("other").enabled);
    EXPECT_EQ(world.reporter.times("other-installation"), 1);
}

TEST_F(Life, AnotherInstallationsKeyGoesAsThePolicySays) {
    world.setup.policy.other_installations.action = core::OtherInstallationsPolicy::Action::Disable;
    world.restart();
    put_key("other", "devkey-dev-1-zzzzzz-3-aaaa");
    put_key("stranger", "devkey-dev-2-zzzzzz-3-aaaa");
    put_key("foreign", "web shop");
    world.live(days{29});
    EXPECT_TRUE(world.service.keys.at("other").enabled);
    world.live(days{3});
    EXPECT_FALSE(world.service.keys.at("other").enabled);
    world.setup.policy.other_installations.action = core::OtherInstallationsPolicy::Action::Delete;
    world.restart();
    world.live(days{3});
    EXPECT_FALSE(world.service.keys.contains("other"));
    EXPECT_TRUE(world.service.keys.at("stranger").enabled);
    EXPECT_TRUE(world.service.keys.at("foreign").enabled);
}

TEST_F(Life, ATwinWithOurStateIsHeldAndTheKeyStillLookedAfter) {
    const auto& tag = state().installation;
    put_key("twin", "devkey-dev-1-" + tag + "-2-zzzz");
    auto snapshot = world.live(days{2});
    EXPECT_EQ(snapshot.decision.reason, Reason::CloneSuspected);
    ASSERT_TRUE(snapshot.decision.again);
    world.live(days{60});
    EXPECT_EQ(world.service.keys.size(), 2U);
    EXPECT_EQ(enabled_keys(), 2U);
    world.restart();  // it is remembered
    EXPECT_EQ(world.settle().decision.reason, Reason::CloneSuspected);
    world.service.keys.erase("twin");
    EXPECT_EQ(world.live(days{2}).decision.reason, Reason::Healthy);
}

TEST_F(Life, APauseDoesNotLetAHeldTwinChangeWhatAPersonAsksFor) {
    put_key("twin", "devkey-dev-1-" + state().installation + "-2-zzzz");
    world.live(days{2});
    for (const auto request : {core::Request::Pause, core::Request::Rotate, core::Request::Disable}) {
        world.asking = {.request = request, .generation = state().current->key.generation};
        EXPECT_EQ(world.settle(Trigger::Retry).decision.reason, Reason::CloneSuspected);
    }
    EXPECT_EQ(world.service.keys.size(), 2U);
    EXPECT_EQ(enabled_keys(), 2U);
}

// The twin has replaced the key that both had, and its grace is over.
TEST_F(Life, AKeyThatATwinDisabledIsNotEnabledAgain) {
    world.setup.policy.outside_changes.disabled = core::OutsideChangesPolicy::Disabled::Enable;
    world.restart();
    put_key("twin", "devkey-dev-1-" + state().installation + "-2-zzzz");
    world.service.keys.at(state().current->key.id).enabled = false;
    EXPECT_EQ(world.live(days{60}).decision.reason, Reason::CloneSuspected);
    EXPECT_FALSE(world.service.keys.at(state().current->key.id).enabled);
    EXPECT_EQ(world.service.keys.size(), 2U);
}

TEST_F(Life, NothingHappensOnAClockThatIsAYearAhead) {
    world.clock.wrong_by = days{365};
    world.clock.synchronised = false;
    const auto old = current_id();
    world.live(days{10});
    EXPECT_EQ(current_id(), old);
    world.clock.wrong_by = Millis{0};
    world.live(days{21});
    EXPECT_NE(current_id(), old);  // nor does it block it for ever
}

TEST_F(Life, ABootIn1970GetsOutByItself) {
    world.clock.reboot();
    world.clock.synchronised = false;
    world.clock.wrong_by = core::Instant{} - world.clock.true_now();
    world.restart();
    const auto old = current_id();
    world.live(days{31});
    EXPECT_NE(current_id(), old);
    EXPECT_GE(state().current->key.created_at, core::Instant{} + days{365});
    EXPECT_LE(state().current->key.created_at, world.clock.true_now());
}

TEST_F(Life, WithoutADateFromTheServiceNoKeyIsReplacedByAge) {
    world.service.tells_date = false;
    world.restart();
    const auto old = current_id();
    const auto snapshot = world.live(days{40});
    EXPECT_EQ(current_id(), old);
    EXPECT_EQ(snapshot.decision.reason, Reason::ServiceUnavailable);
}

TEST_F(Life, TimesAheadOfTheServiceArePulledBack) {
    auto ahead = state();
    ahead.current->key.created_at += days{4000};
    ahead.last_seen += days{4000};
    world.store.state = ahead;
    world.restart();
    world.live(days{1});
    EXPECT_LE(state().current->key.created_at, world.clock.true_now());
    EXPECT_LE(state().last_seen, world.clock.true_now());
}

TEST_F(Life, OverdueChecksAreMadeUpOnceAndSpread) {
    world.live(1h);
    world.clock.advance(days{3});  // suspended
    world.service.called.clear();
    const auto snapshot = world.settle();
    EXPECT_TRUE(world.service.called.empty());
    EXPECT_EQ(snapshot.decision.reason, Reason::Healthy);
    world.live(6h);
    EXPECT_EQ(std::ranges::count(world.service.called, "prove"), 1);
}

TEST_F(Life, AShortQuotaLetsOurDisabledKeysGoAtOnce) {
    world.settle(Trigger::Rotate);
    world.live(25h);
    ASSERT_EQ(world.service.keys.size(), 2U);
    for (int i = 0; i < 17; ++i)
        put_key("o" + std::to_string(i), "devkey-other" + std::to_string(i) + "-zzzzzz-1-aaaa");
    world.live(25h);
    EXPECT_EQ(world.service.keys.size(), 18U);
    EXPECT_TRUE(state().superseded.empty());
}

TEST_F(Life, AFullQuotaIsSaidWithItsHolders) {
    for (int i = 1; i <= 19; ++i)
        put_key("o" + std::to_string(i), "devkey-other-zzzzzz-" + std::to_string(i) + "-aaaa");
    const auto snapshot = world.settle(Trigger::Rotate);
    EXPECT_EQ(snapshot.decision.reason, Reason::QuotaFull);
    EXPECT_NE(snapshot.decision.detail.find("19 of device other"), std::string::npos)
        << snapshot.decision.detail;
    EXPECT_EQ(world.service.keys.size(), 20U);
}

TEST_F(Life, NewKeysThatKeepFailingLeaveTheOldOne) {
    const auto old = current_id();
    world.setup.policy.verify_patience = Millis{0};
    world.setup.policy.watchdog.key_login.reset();
    world.restart();
    world.service.refusal = {ErrorKind::Unauthenticated, "401"};
    world.service.next("prove", std::vector<Fault>(3, Fault::Refuse));
    world.settle(Trigger::Rotate);
    const auto snapshot = world.live(1h);
    EXPECT_EQ(current_id(), old);
    EXPECT_EQ(world.service.keys.size(), 1U);
    EXPECT_EQ(snapshot.decision.reason, Reason::NewKeysKeepFailing);
    world.settle(Trigger::Rotate);
    EXPECT_NE(current_id(), old);
}

TEST_F(Life, TheKeyInUseIsNeverLetGoWhateverTheStateSays) {
    for (const auto then : {core::SupersededPolicy::Then::Disable, core::SupersededPolicy::Then::Delete}) {
        auto damaged = state();
        damaged.superseded = {{.id = current_id(),
                               .name = "devkey-dev-1-abcdef-1-aaaa",
                               .generation = 1,
                               .superseded_at = world.clock.true_now(),
                               .disabled_at = {}}};
        world.store.state = damaged;
        world.setup.policy.superseded.then = then;
        world.restart();
        world.live(days{3});
        ASSERT_TRUE(world.service.keys.contains(current_id()));
        EXPECT_TRUE(world.service.keys.at(current_id()).enabled);
    }
}

}  // namespace
}  // namespace devkey::engine
