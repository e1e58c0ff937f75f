// The verbs against a daemon that answers what a test wants.
#include "devkeyctl/verbs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "control/metrics.hpp"
#include "control/plan_json.hpp"
#include "devkeyctl/exit_codes.hpp"
#include "devkeyctl/render.hpp"

namespace devkey::ctl {
namespace {

using control::Question;
using control::Verb;
using core::ErrorKind;
using core::Result;
using namespace std::chrono_literals;

/// A device as its daemon tells of it; what is asked for happens when time goes by.
struct Ctl : testing::Test {
    Ctl() {
        status.key = core::KeyStatus{.id = "k3", .name = "devkey-a-b-3-c", .generation = 3};
        status.usable = true;
        status.now = core::Instant{24h};
        status.health = core::Health::Healthy;
        terminal.ask = [this](const Question& question) { return answer(question); };
        terminal.out = [this](const std::string& line) { out += line + "\n"; };
        terminal.note = [this](const std::string& line) { notes += line + "\n"; };
        terminal.now = [this] { return core::BootInstant{passed}; };
        terminal.sleep = [this](core::Millis span) {
            passed += span;
            if (each_look) each_look();
        };
    }
    Result<std::string> answer(const Question& question) {
        asked.push_back(question);
        if (unreachable) return std::unexpected(*unreachable);
        if (question.verb == Verb::Status) return control::format_status(status, agent);
        if (to_others.contains("accepted"))
            agent.asking = {.request = control::request_of(question.verb), .id = "x", .generation = 3};
        return to_others;
    }
    void replace() {
        status.superseded.push_back({.id = "k3", .name = "n", .generation = status.key->generation});
        ++status.key->generation;
    }

    core::Status status;
    control::AgentStatus agent;
    std::string to_others = control::format_accepted({.request = core::Request::Rotate, .id = "x"});
    std::optional<core::Error> unreachable;
    std::function<void()> each_look;
    std::vector<Question> asked;
    core::Millis passed{};
    std::string out;
    std::string notes;
    Terminal terminal;
};

TEST_F(Ctl, StatusEndsAsTheDeviceFares) {
    EXPECT_EQ(ctl::status(terminal), exit_done);
    status.health = core::Health::Degraded;
    EXPECT_EQ(ctl::status(terminal), exit_degraded);
    status.health = core::Health::Failing;
    EXPECT_EQ(ctl::status(terminal), exit_failing);
    status.health = core::Health::OutOfService;
    EXPECT_EQ(ctl::status(terminal), exit_failing);
    unreachable = core::Error{ErrorKind::NotFound, "no devkeyd"};
    EXPECT_EQ(ctl::status(terminal), exit_not_running);
    unreachable = core::Error{ErrorKind::Unavailable, "silent"};
    EXPECT_EQ(ctl::status(terminal), exit_later);
}

TEST_F(Ctl, StatusTellsHealthFirstAndColorsOnlyWhenTold) {
    EXPECT_EQ(ctl::status(terminal), exit_done);
    EXPECT_TRUE(out.starts_with("health      healthy\nbecause     healthy: "));
    EXPECT_TRUE(out.contains("generation 3, enabled"));
    out.clear();
    terminal.color = true;
    EXPECT_EQ(ctl::status(terminal), exit_done);
    EXPECT_TRUE(out.starts_with("health      \x1b[32mhealthy\x1b[0m\n"));
}

TEST_F(Ctl, MetricsAreTheStatusInAnotherForm) {
    status.health = core::Health::Failing;
    const auto text = control::format_metrics(control::format_status(status, agent));
    ASSERT_TRUE(text);
    EXPECT_EQ(metrics(terminal), exit_done);
    EXPECT_EQ(out, *text);
    out.clear();
    terminal.json = true;
    EXPECT_EQ(metrics(terminal), exit_done);
    EXPECT_TRUE(out.starts_with(R"({"version":1,"answer":"metrics","text":"# HELP devkeyd_)")) << out;
    unreachable = core::Error{ErrorKind::NotFound, "no devkeyd"};
    EXPECT_EQ(metrics(terminal), exit_not_running);
}

TEST_F(Ctl, JsonIsTheAnswerAsItCame) {
    terminal.json = true;
    EXPECT_EQ(ctl::status(terminal), exit_done);
    EXPECT_EQ(out, control::format_status(status, agent) + "\n");
    out.clear();
    unreachable = core::Error{ErrorKind::NotFound, "no \"devkeyd\""};
    EXPECT_EQ(ctl::status(terminal), exit_not_running);
    EXPECT_EQ(out, R"({"version":1,"answer":"failed","error":"not-running","detail":"no \"devkeyd\""})"
                   "\n");
    EXPECT_EQ(notes, "");
}

TEST_F(Ctl, StatusLooksAtTheDiskWhereNobodyRuns) {
    unreachable = core::Error{ErrorKind::NotFound, "no devkeyd"};
    agent.running = false;
    terminal.from_disk = [this](const Question& question) -> Result<std::string> {
        EXPECT_EQ(question.verb, Verb::Status);
        return control::format_status(status, agent);
    };
    EXPECT_EQ(ctl::status(terminal), exit_not_running);
    EXPECT_TRUE(out.starts_with("health      healthy\n")) << out;
    EXPECT_TRUE(out.contains("agent       not running")) << out;
    terminal.from_disk = [](const Question& /*question*/) -> Result<std::string> {
        return core::fail(ErrorKind::Forbidden, "state.json: run it as root");
    };
    EXPECT_EQ(ctl::status(terminal), exit_not_running);
    EXPECT_TRUE(notes.contains("not-running: no devkeyd; ")) << notes;
    EXPECT_TRUE(notes.contains("run it as root")) << notes;
}

TEST_F(Ctl, PlanIsToldInLinesOrAsItCame) {
    to_others = control::format_plan({.from = core::Instant{0h},
                                      .until = core::Instant{24h},
                                      .steps = {{.at = core::Instant{2h},
                                                 .action = core::Action::CheckLogin,
                                                 .reason = core::Reason::LoginCheckDue,
                                                 .detail = "devkey-a-b-3-c",
                                                 .times = 3,
                                                 .last_at = core::Instant{14h}}}});
    EXPECT_EQ(plan(terminal, 24h), exit_done);
    EXPECT_EQ(asked.back(), (Question{.verb = Verb::Plan, .until_s = 86400}));
    EXPECT_TRUE(
        out.starts_with("1970-01-01 00:00:00 to 1970-01-02 00:00:00, in UTC\n"
                        "1970-01-01 02:00:00  check-login   login-check-due: "))
        << out;
    EXPECT_TRUE(out.contains("devkey-a-b-3-c (3 times, the last at 1970-01-01 14:00:00)\n")) << out;
    EXPECT_TRUE(out.contains("then: healthy: ")) << out;
    EXPECT_TRUE(out.contains("taken for granted: ")) << out;
    out.clear();
    terminal.json = true;
    EXPECT_EQ(plan(terminal, 24h), exit_done);
    EXPECT_EQ(out, to_others + "\n");
    to_others = R"({"version":1,"answer":"plan"})";
    terminal.json = false;
    EXPECT_EQ(plan(terminal, 24h), exit_protocol);
}

TEST_F(Ctl, NothingThatIsToldSteersTheTerminal) {
    const std::string odd =
        "a\nb\x1b[2J\xc2\x9b"
        "2Jc";
    const std::string shown =
        "a\\x0ab\\x1b[2J\\xc2\\x9b"
        "2Jc";
    agent.asking = {.request = core::Request::Rotate, .id = "x", .why = odd};
    status.decision.detail = odd;
    EXPECT_EQ(ctl::status(terminal), exit_done);
    EXPECT_TRUE(out.contains("by somebody: " + shown)) << out;
    to_others = control::format_plan({.steps = {{.detail = odd}}});
    EXPECT_EQ(plan(terminal, 24h), exit_done);
    EXPECT_TRUE(out.contains(": " + shown + "\n")) << out;
    to_others =
        control::format_history({R"({"at":"t","event":"asked","message":"m","why":"a\u000ab\u009bc"})"});
    EXPECT_EQ(ctl::history(terminal, 1), exit_done);
    EXPECT_TRUE(
        out.contains("t asked: m (why=a\\x0ab\\xc2\\x9b"
                     "c)\n"))
        << out;
    to_others = control::format_refusal(control::Refusal::NotSaved, odd);
    EXPECT_EQ(ctl::history(terminal, 1), exit_io);
    EXPECT_EQ(std::ranges::count_if(out + notes, [](char c) { return c == '\x1b' || c == '\x9b'; }), 0)
        << out << notes;
}

TEST_F(Ctl, PlanLooksAtTheDiskWhereNobodyRuns) {
    EXPECT_EQ(plan(terminal, 1h), exit_done) << "what isn't a plan is passed on";
    unreachable = core::Error{ErrorKind::NotFound, "no devkeyd"};
    EXPECT_EQ(plan(terminal, 1h), exit_not_running);
    const auto ends_with = [&](Result<std::string> found) {
        terminal.from_disk = [found](const Question& /*question*/) { return found; };
        return plan(terminal, 1h);
    };
    EXPECT_EQ(ends_with(control::format_plan({})), exit_done);
    EXPECT_EQ(ends_with(core::fail(ErrorKind::Forbidden, "closed")), exit_refused);
    EXPECT_EQ(ends_with(core::fail(ErrorKind::InvalidInput, "devkeyd.yaml:3:1: what?")), exit_settings);
    EXPECT_TRUE(notes.contains("bad-settings: devkeyd.yaml:3:1")) << notes;
    EXPECT_EQ(ends_with(core::fail(ErrorKind::NotFound, "no settings")), exit_not_running);
    unreachable = core::Error{ErrorKind::Forbidden, "closed"};
    EXPECT_EQ(ends_with(control::format_plan({})), exit_refused) << "somebody runs there";
}

TEST_F(Ctl, RotateNamesTheGenerationThatIsCurrent) {
    EXPECT_EQ(rotate(terminal, {.why = "test"}), exit_done);
    EXPECT_EQ(asked.back(), (Question{.verb = Verb::Rotate, .generation = 3, .why = "test"}));
    EXPECT_EQ(passed, 0s);
}

TEST_F(Ctl, RotateEndsAsItWasAnswered) {
    const auto ends_with = [&](control::Refusal refusal) {
        to_others = control::format_refusal(refusal, "why");
        return rotate(terminal, {.wait = true, .patience = 1min});
    };
    EXPECT_EQ(ends_with(control::Refusal::NotAllowed), exit_refused);
    EXPECT_EQ(ends_with(control::Refusal::Busy), exit_later);
    EXPECT_EQ(ends_with(control::Refusal::NotSaved), exit_io);
    EXPECT_EQ(ends_with(control::Refusal::BadSettings), exit_settings);
    EXPECT_EQ(ends_with(control::Refusal::BadRequest), exit_usage);
    to_others = control::format_nothing_to_do("there is a later one");
    EXPECT_EQ(rotate(terminal, {}), exit_nothing_to_do);
    to_others = "rubbish";
    EXPECT_EQ(rotate(terminal, {}), exit_protocol);
}

TEST_F(Ctl, RotateWaitsUntilAnotherIsPublishedAndSaysWhatFor) {
    int looks = 0;
    each_look = [&] {
        status.decision.reason = core::Reason::ServiceUnavailable;
        if (++looks == 5) replace();
    };
    EXPECT_EQ(rotate(terminal, {.wait = true, .patience = 1min}), exit_done);
    EXPECT_EQ(looks, 5);
    EXPECT_TRUE(out.contains("generation 4"));
    EXPECT_TRUE(notes.contains("waiting: service-unavailable"));
    EXPECT_EQ(std::ranges::count(notes, '\n'), 2) << notes;  // each wait once
}

TEST_F(Ctl, RotateGoesOnWaitingWhileTheAgentIsRestarted) {
    int looks = 0;
    each_look = [&] {
        if (++looks == 2) unreachable = core::Error{ErrorKind::NotFound, "no devkeyd"};
        if (looks != 4) return;
        unreachable.reset();
        replace();
    };
    EXPECT_EQ(rotate(terminal, {.wait = true, .patience = 1min}), exit_done);
}

TEST_F(Ctl, RotateGivesUpWaitingAndLeavesTheRequest) {
    EXPECT_EQ(rotate(terminal, {.wait = true, .patience = 1min}), exit_later);
    EXPECT_GE(passed, 1min);
    EXPECT_TRUE(notes.contains("what was asked for stands"));
    notes.clear();
    EXPECT_EQ(rotate(terminal, {.wait = true, .patience = 0s}), exit_later);
    EXPECT_FALSE(notes.contains("later: ;")) << notes;
}

TEST_F(Ctl, RotateIsNotDoneWhereSomethingElseTakesItsPlace) {
    each_look = [&] { agent.asking = {.request = core::Request::Decommission, .id = "y"}; };
    EXPECT_EQ(rotate(terminal, {.wait = true, .patience = 1min}), exit_not_done);
    EXPECT_EQ(notes.substr(notes.find("not-done")),
              "not-done: decommission was asked for meanwhile, and takes its place\n");
    each_look = [&] { agent.asking = {}; };
    EXPECT_EQ(rotate(terminal, {.wait = true, .patience = 1min}), exit_not_done);
    EXPECT_TRUE(notes.contains("stands no more")) << notes;
}

TEST_F(Ctl, RotateGoesOnWaitingForWhoSaysThatTheKeyLeaked) {
    int looks = 0;
    each_look = [&] {
        agent.asking.id = "y";
        if (++looks == 3) replace();
    };
    EXPECT_EQ(rotate(terminal, {.wait = true, .patience = 1min}), exit_done);
    EXPECT_EQ(looks, 3);
}

/// Asks, waits, and lets what was asked for stand no more, as `change` leaves it.
struct AboutKey : Ctl {
    int end(Verb verb, const std::function<void()>& change) {
        each_look = [this, change] {
            agent.asking = {};
            change();
        };
        return ask_about_key(terminal, {.verb = verb, .generation = 3}, {.wait = true, .patience = 1min});
    }
};

TEST_F(AboutKey, IsDoneWhenTheKeyIsAsAsked) {
    EXPECT_EQ(end(Verb::Enable, [] {}), exit_done);
    EXPECT_EQ(end(Verb::Acknowledge, [this] { status.key->acknowledged_at = status.now; }), exit_done);
    const auto switch_off = [this] {
        status.key->standing = core::Standing::SwitchedOff;
        status.key->off_by_person = true;
    };
    EXPECT_EQ(end(Verb::Disable, switch_off), exit_done);
    EXPECT_EQ(end(Verb::Rollback, [this] { status.key->generation = 2; }), exit_done);
}

TEST_F(AboutKey, IsNotDoneWhenTheKeyIsNotAsAsked) {
    EXPECT_EQ(end(Verb::Acknowledge, [] {}), exit_not_done);
    EXPECT_EQ(end(Verb::Disable, [] {}), exit_not_done);
    EXPECT_EQ(end(Verb::Rollback, [] {}), exit_not_done);
    EXPECT_EQ(end(Verb::Enable, [this] { status.key->standing = core::Standing::SwitchedOff; }),
              exit_not_done);
    notes.clear();
    const auto displace = [this] { agent.asking = {.request = core::Request::Pause, .id = "y"}; };
    EXPECT_EQ(end(Verb::Disable, displace), exit_not_done);
    EXPECT_TRUE(notes.contains("not-done: pause was asked for meanwhile")) << notes;
    EXPECT_EQ(end(Verb::Disable, [this] { replace(); }), exit_not_done);
    EXPECT_TRUE(notes.contains("generation 4) is in use")) << notes;
    EXPECT_EQ(end(Verb::Disable, [this] { status.key.reset(); }), exit_not_done);
    EXPECT_EQ(out, "");
}

TEST_F(Ctl, ALeakIsOverWhenTheOldKeyIsDisabled) {
    int looks = 0;
    each_look = [&] {
        if (++looks == 2) replace();
        if (looks == 10) status.superseded.back().disabled_at = status.now;
    };
    EXPECT_EQ(rotate(terminal, {.compromised = true, .wait = true, .patience = 1min}), exit_done);
    EXPECT_EQ(looks, 10);
    EXPECT_TRUE(asked.at(1).compromised);
    EXPECT_TRUE(out.contains("after 2.0 s; the old one worked until then"));
}

TEST_F(Ctl, WaitReadyWaitsForAnAgentAndForAKey) {
    unreachable = core::Error{ErrorKind::NotFound, "no devkeyd"};
    status.health = core::Health::Failing;
    int looks = 0;
    each_look = [&] {
        if (++looks == 3) unreachable.reset();
        if (looks == 6) status.health = core::Health::Degraded;
    };
    EXPECT_EQ(wait_ready(terminal, 1min), exit_done);
    EXPECT_EQ(looks, 6);
    EXPECT_EQ(out, "");
}

TEST_F(Ctl, WaitReadyGivesUp) {
    status.health = core::Health::Failing;
    EXPECT_EQ(wait_ready(terminal, 3s), exit_later);
    EXPECT_FALSE(notes.contains("asked for")) << "nothing was: " << notes;
    unreachable = core::Error{ErrorKind::NotFound, "no devkeyd"};
    EXPECT_EQ(wait_ready(terminal, 3s), exit_not_running);
}

}  // namespace
}  // namespace devkey::ctl
