// What is answered to whom, as things stand.
#include "control/desk.hpp"

#include <gtest/gtest.h>

namespace devkey::control {
namespace {

using core::Asking;
using core::Request;

constexpr Rights nobody{};
constexpr Rights reader{.read = true};
constexpr Rights changer{.read = true, .change = true};

struct Desk : testing::Test {
    Desk() { status.key = core::KeyStatus{.id = "k3", .name = "n", .generation = 3}; }
    [[nodiscard]] Reply ask(const Question& question, const Rights& rights = changer) const {
        return reply_to(question, rights, {status, agent}, "uid 7", "fresh");
    }
    [[nodiscard]] static Question rotate(std::uint32_t generation, bool compromised = false) {
        return {.verb = Verb::Rotate, .generation = generation, .compromised = compromised};
    }
    static bool says(const Reply& reply, const std::string& text) { return reply.line.contains(text); }

    core::Status status;
    AgentStatus agent;
};

TEST_F(Desk, ReadersReadAndChangersChange) {
    EXPECT_TRUE(says(ask({.verb = Verb::Status}, nobody), "not-allowed"));
    EXPECT_TRUE(says(ask({.verb = Verb::Status}, reader), "\"answer\":\"status\""));
    for (const auto verb :
         {Verb::Rotate, Verb::Reload, Verb::Decommission, Verb::Recommission, Verb::TakeOver})
        for (const auto& rights : {nobody, reader}) {
            const auto reply = ask({.verb = verb, .generation = 3}, rights);
            EXPECT_TRUE(says(reply, "not-allowed"));
            EXPECT_FALSE(reply.record);
            EXPECT_FALSE(reply.reload);
        }
}

TEST_F(Desk, APlanIsForReaders) {
    const Question question{.verb = Verb::Plan, .until_s = 3600};
    EXPECT_EQ(ask(question, reader).plan, std::chrono::hours{1});
    EXPECT_FALSE(ask(question, nobody).plan);
    EXPECT_TRUE(says(ask(question, nobody), "not-allowed"));
}

TEST_F(Desk, ARotationIsWrittenDownWithAllThatIsKnown) {
    auto question = rotate(3, true);
    question.why = "lost";
    const auto reply = ask(question);
    EXPECT_EQ(reply.record, (Asking{.request = Request::Rotate,
                                    .id = "fresh",
                                    .generation = 3,
                                    .compromised = true,
                                    .why = "lost",
                                    .by = "uid 7"}));
    EXPECT_TRUE(says(reply, "accepted"));
}

TEST_F(Desk, WhatIsReplacedAlreadyIsNothingToDo) {
    EXPECT_TRUE(says(ask(rotate(2)), "nothing-to-do"));
    status.superseded.push_back({.id = "k2", .name = "n", .generation = 2});
    EXPECT_TRUE(says(ask(rotate(2)), "nothing-to-do"));
    EXPECT_TRUE(ask(rotate(2, true)).record) << "it still works";
    status.superseded.back().disabled_at = core::Instant{};
    EXPECT_TRUE(says(ask(rotate(2, true)), "nothing-to-do"));
}

TEST_F(Desk, AskingTwiceIsOneRequest) {
    agent.asking = {.request = Request::Rotate, .id = "first", .generation = 3};
    const auto reply = ask(rotate(3));
    EXPECT_FALSE(reply.record);
    EXPECT_TRUE(says(reply, "\"id\":\"first\""));
    EXPECT_TRUE(ask(rotate(3, true)).record) << "a leak is more";
    agent.asking.compromised = true;
    EXPECT_FALSE(ask(rotate(3)).record) << "a leak is done with it";
}

TEST_F(Desk, WhatStandsIsNotLostToSomethingElse) {
    agent.asking = {.request = Request::Rotate, .id = "first", .generation = 3};
    EXPECT_TRUE(says(ask({.verb = Verb::TakeOver}), "busy"));
    EXPECT_TRUE(ask({.verb = Verb::Decommission}).record);
    agent.asking.request = Request::TakeOver;
    EXPECT_TRUE(says(ask(rotate(3)), "busy"));
    EXPECT_TRUE(ask(rotate(3, true)).record);
    agent.asking.request = Request::Decommission;
    EXPECT_TRUE(says(ask(rotate(3, true)), "busy"));
}

TEST_F(Desk, ALeakIsForgottenForNothingLess) {
    agent.asking = {.request = Request::Rotate, .id = "first", .generation = 2, .compromised = true};
    EXPECT_TRUE(says(ask({.verb = Verb::Pause}), "busy"));
    EXPECT_TRUE(says(ask({.verb = Verb::Disable, .generation = 3}), "busy"));
    EXPECT_TRUE(says(ask(rotate(3)), "busy"));
    EXPECT_TRUE(ask(rotate(3, true)).record) << "of the later key, too";
    EXPECT_TRUE(ask({.verb = Verb::Decommission}).record);
}

TEST_F(Desk, NoKeyIsAskedForThatIsStillToCome) {
    EXPECT_TRUE(says(ask(rotate(4)), "bad-request"));
    status.superseded.push_back({.id = "k4", .name = "n", .generation = 4});  // 3 was taken back
    EXPECT_TRUE(ask(rotate(4)).record);
}

TEST_F(Desk, ADeviceOutOfServiceGetsNoKey) {
    status.decommissioned_at = core::Instant{};
    status.key.reset();
    EXPECT_TRUE(says(ask(rotate(0)), "recommission first"));
    EXPECT_TRUE(says(ask(rotate(0)), "not-possible")) << "later it is no better";
    EXPECT_TRUE(says(ask({.verb = Verb::Decommission}), "nothing-to-do"));
    EXPECT_TRUE(ask({.verb = Verb::Recommission}).record);
    status.decommissioned_at.reset();
    EXPECT_TRUE(says(ask({.verb = Verb::Recommission}), "nothing-to-do"));
}

TEST_F(Desk, WhatIsAskedAboutAKeyThatIsNotInUseIsNothingToDo) {
    for (const auto verb : {Verb::Rollback, Verb::Disable, Verb::Enable, Verb::Acknowledge}) {
        EXPECT_TRUE(says(ask({.verb = verb, .generation = 2}), "nothing-to-do")) << name_of(verb);
        EXPECT_FALSE(ask({.verb = verb, .generation = 3}, reader).record) << name_of(verb);
    }
    status.key.reset();
    EXPECT_TRUE(says(ask({.verb = Verb::Disable, .generation = 3}), "nothing-to-do"));
}

TEST_F(Desk, ARollbackNeedsAKeyToGoBackTo) {
    const Question rollback{.verb = Verb::Rollback, .generation = 3};
    status.superseded.push_back({.id = "k2", .name = "n", .generation = 2});
    EXPECT_TRUE(says(ask(rollback), "nothing-to-do"));
    status.superseded.back().can_return = true;
    EXPECT_TRUE(ask(rollback).record);
    status.key->standing = core::Standing::SwitchedOff;
    EXPECT_TRUE(says(ask(rollback), "enable first"));
}

TEST_F(Desk, AKeyIsSwitchedAsItIsNotYet) {
    EXPECT_TRUE(ask({.verb = Verb::Disable, .generation = 3}).record);
    EXPECT_TRUE(says(ask({.verb = Verb::Enable, .generation = 3}), "nothing-to-do"));
    status.key->standing = core::Standing::SwitchedOff;
    EXPECT_TRUE(ask({.verb = Verb::Disable, .generation = 3}).record) << "by the heartbeat, until now";
    EXPECT_TRUE(ask({.verb = Verb::Enable, .generation = 3}).record);
    status.key->off_by_person = true;
    EXPECT_TRUE(says(ask({.verb = Verb::Disable, .generation = 3}), "nothing-to-do"));
}

TEST_F(Desk, WhatAStandingRequestUndoesIsNotDoneAlready) {
    agent.asking = {.request = Request::Disable, .id = "first", .generation = 3};
    EXPECT_TRUE(says(ask({.verb = Verb::Enable, .generation = 3}), "busy"));
    EXPECT_TRUE(says(ask({.verb = Verb::Enable, .generation = 2}), "nothing-to-do")) << "whatever stands";
    agent.asking.request = Request::Pause;
    EXPECT_TRUE(says(ask({.verb = Verb::Resume}), "busy"));
    agent.asking.request = Request::Decommission;
    EXPECT_TRUE(says(ask({.verb = Verb::Recommission}), "busy"));
    status.decommissioned_at = core::Instant{};
    agent.asking.request = Request::Recommission;
    EXPECT_TRUE(ask({.verb = Verb::Decommission}).record);
    agent.asking = {.request = Request::Rotate, .id = "first", .generation = 3};
    EXPECT_TRUE(says(ask({.verb = Verb::Enable, .generation = 3}), "not-possible"));
    status.decommissioned_at.reset();
    EXPECT_TRUE(says(ask({.verb = Verb::Enable, .generation = 3}), "nothing-to-do"));
}

TEST_F(Desk, APauseEndsByTheServicesClockAndIsEndedWhenThereIsOne) {
    status.now = core::Instant{std::chrono::hours{1}};
    EXPECT_EQ(ask({.verb = Verb::Pause, .for_s = 60}).record->until, core::Instant{std::chrono::minutes{61}});
    EXPECT_FALSE(ask({.verb = Verb::Pause}).record->until);
    EXPECT_TRUE(says(ask({.verb = Verb::Resume}), "nothing-to-do"));
    status.pause.emplace();
    EXPECT_TRUE(ask({.verb = Verb::Resume}).record);
}

TEST_F(Desk, WhoStopsSomethingIsNotKeptWaiting) {
    agent.asking = {.request = Request::Rotate, .id = "first", .generation = 3};
    EXPECT_TRUE(ask({.verb = Verb::Pause}).record);
    EXPECT_TRUE(ask({.verb = Verb::Disable, .generation = 3}).record);
    EXPECT_TRUE(says(ask({.verb = Verb::Acknowledge, .generation = 3}), "busy"));
    agent.asking.request = Request::Decommission;
    EXPECT_TRUE(says(ask({.verb = Verb::Pause}), "busy"));
}

TEST_F(Desk, ALookIsForReadersToo) {
    EXPECT_TRUE(ask({.verb = Verb::Look}, reader).look);
    EXPECT_FALSE(ask({.verb = Verb::Look}, nobody).look);
}

TEST_F(Desk, AReloadIsDoneAtOnce) {
    const auto reply = ask({.verb = Verb::Reload});
    EXPECT_TRUE(reply.reload);
    EXPECT_FALSE(reply.record);
}

}  // namespace
}  // namespace devkey::control
