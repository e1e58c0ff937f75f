// What the log and the history are told: which key, which words, and how grave it is.
#include <gtest/gtest.h>

#include "fakes/world.hpp"

namespace devkey::engine {
namespace {

using core::ErrorKind;
using core::Hook;
using core::Request;
using fakes::World;
using ports::Severity;
using Fault = fakes::Service::Fault;
using namespace std::chrono_literals;
using std::chrono::days;

/// A device that has its second key.
struct Log : testing::Test {
    Log() {
        world.setup.fingerprint = [](const core::Secret&) { return std::string("sha256:0"); };
        world.settle(Trigger::Start);
        world.settle(Trigger::Rotate);
    }
    [[nodiscard]] fakes::Reporter::Told told(const std::string& event) const {
        EXPECT_TRUE(world.reporter.told(event)) << event;
        return world.reporter.latest(event);
    }
    void ask(Request request, std::optional<core::Instant> until = {}) {
        world.asking = {
            .request = request, .generation = world.store.state->current->key.generation, .until = until};
        world.settle(Trigger::Retry);
    }
    /// It fails at each run.
    void have_hook(std::optional<Hook> core::HooksPolicy::* kind) {
        world.setup.policy.hooks.*kind = Hook{.run = {"/bin/tell"}, .required = true};
        world.hooks.failing = core::Error{ErrorKind::Unavailable, "ended with status 1"};
        world.restart();
    }
    void expect_names(const std::string& event, std::uint32_t generation) const {
        const auto it = told(event);
        const auto number = std::to_string(generation);
        EXPECT_EQ(it.field("generation"), number) << event;
        EXPECT_EQ(it.field("key_id"), "id" + number) << event;
        EXPECT_TRUE(it.field("key_name").contains("-" + number + "-")) << event << it.field("key_name");
    }

    World world;
};

TEST_F(Log, ARollbackThatNobodyAskedForIsAWarningThatNamesBothKeys) {
    have_hook(&core::HooksPolicy::after_publish);
    world.live(10min);
    ASSERT_EQ(world.store.state->current->key.generation, 1U);
    const auto warning = told("rolled-back");
    EXPECT_EQ(warning.severity, Severity::Warning);
    EXPECT_TRUE(warning.message.contains("ended with status 1")) << warning.message;
    EXPECT_EQ(warning.field("reason"), "hook-keeps-failing");
    expect_names("rolled-back", 1);
    EXPECT_EQ(warning.field("given_up_key_id"), "id2");
    EXPECT_EQ(warning.field("given_up_generation"), "2");
    EXPECT_TRUE(warning.message.contains(warning.field("given_up_key_name")));
    EXPECT_TRUE(told("key-verified").message.contains("earlier key logs in again"));
    EXPECT_TRUE(told("credential-published").message.contains("holds the earlier key again"));
}

TEST_F(Log, ARollbackThatAPersonAskedForIsNoWarning) {
    EXPECT_TRUE(told("key-verified").message.contains("the new key"));
    EXPECT_TRUE(told("credential-published").message.contains("the new key"));
    ask(Request::Rollback);
    EXPECT_FALSE(world.reporter.told("rolled-back"));
    EXPECT_TRUE(told("key-verified").message.contains("earlier key logs in again"));
    EXPECT_TRUE(told("credential-published").message.contains("holds the earlier key again"));
    world.settle(Trigger::Rotate);
    EXPECT_TRUE(told("credential-published").message.contains("the new key"));
}

TEST_F(Log, WhatAPersonSaidIsToldWithWhatItIsAbout) {
    ask(Request::Acknowledge);
    expect_names("key-acknowledged", 2);
    const auto until = world.clock.now() + days{3};
    ask(Request::Pause, until);
    EXPECT_EQ(told("pause-asked").field("until"), core::format_instant(core::writable(until)));
    ask(Request::Pause);
    EXPECT_EQ(told("pause-asked").field("until"), "") << "until resume";
}

TEST_F(Log, AnOldKeysEndNamesItsGeneration) {
    world.live(days{2});
    expect_names("key-disabled", 1);
    EXPECT_EQ(told("key-disabled").field("key_fingerprint"), "sha256:0");
    EXPECT_EQ(told("key-disabled").field("reason"), "grace-over");
    world.live(days{60});
    expect_names("key-removed", 1);
    EXPECT_EQ(told("key-removed").field("key_fingerprint"), "") << "its secret is forgotten by then";
}

TEST_F(Log, AStrayNamesItsGeneration) {
    world.service.next("create", {Fault::LoseAnswer});
    world.settle(Trigger::Rotate);
    world.live(1h);
    expect_names("stray-removed", 3);
    EXPECT_EQ(told("stray-removed").field("reason"), "stray-found");
}

TEST_F(Log, WhatHoldsOrFailsNamesTheCurrentKey) {
    ask(Request::Pause);
    expect_names("paused", 2);
    ask(Request::Resume);
    ask(Request::Disable);
    expect_names("key-disabled-by-person", 2);
    expect_names("key-switched-off", 2);
    ask(Request::Enable);
    have_hook(&core::HooksPolicy::after_publish);
    world.settle();
    expect_names("hook-failed", 2);
}

TEST_F(Log, WhatFailsAboutAnotherKeyNamesThatOne) {
    have_hook(&core::HooksPolicy::before_disable);
    world.live(days{2});
    expect_names("hook-failed", 1);
}

TEST_F(Log, AWaitToGoBackNamesTheKeyThatIsWaitedFor) {
    world.service.can.late_landing = 5min;
    world.service.next("disable", {Fault::LoseRequest});
    world.live(days{1});
    ask(Request::Rollback);
    expect_names("disable-unsettled", 1);
}

TEST_F(Log, WhatIsAsAPersonWantedItIsNoError) {
    ask(Request::Pause);
    EXPECT_EQ(told("paused").severity, Severity::Notice);
    ask(Request::Resume);
    ask(Request::Disable);
    EXPECT_EQ(told("key-disabled-by-person").severity, Severity::Notice);
    ask(Request::Decommission);
    world.live(1h);
    EXPECT_EQ(told("decommissioned").severity, Severity::Notice);
}

}  // namespace
}  // namespace devkey::engine
