// What the kill loop reads out of strace's record, and where it then kills.
#include "e2e/kill_plan.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "e2e/kill_record.hpp"

namespace devkey::e2e {
namespace {

using Names = std::vector<std::string>;

std::vector<Call> record_of(const std::string& text) {
    return parse_record(text, "/tmp/d");
}

Names names_of(const std::vector<Aim>& aims) {
    Names names;
    for (const auto& aim : aims) names.push_back(aim.name());
    return names;
}

const std::string first_write =
    R"(11 openat(6</tmp/d/state>, ".state.json.devkeyd-new", O_WRONLY|O_CREAT|O_EXCL, 0600) = 7</tmp/d/state/.state.json.devkeyd-new>
)";

TEST(KillRecord, HoldsTheCallsOfAllThreadsInTheOrderOfTheirEntry) {
    const auto calls = record_of(
        "10 read(5</tmp/d/owner-secret>, \"\"..., 65537) = 9\n"
        "11 write(9<socket:[317631]>, \"\"..., 80 <unfinished ...>\n"
        "10 futex(0x7f60, FUTEX_WAIT_PRIVATE, 0, NULL <unfinished ...>\n"
        "11 <... write resumed>) = 80\n"
        "11 recvfrom(9<socket:[317631]>,  <unfinished ...>) = ?\n"
        "10 <... futex resumed>) = ?\n"
        "10 --- SIGCHLD {si_signo=SIGCHLD} ---\n"
        "11 +++ killed by SIGKILL +++\n");
    ASSERT_EQ(calls.size(), 4U);
    EXPECT_EQ(calls[0].what(), "read {device}/owner-secret");
    EXPECT_EQ(calls[0].result, "9");
    EXPECT_EQ(calls[1].thread, 11);
    EXPECT_EQ(calls[1].what(), "write socket");
    EXPECT_EQ(calls[1].result, "80");
    EXPECT_EQ(calls[2].name, "futex");
    EXPECT_FALSE(calls[2].returned());
    EXPECT_EQ(calls[3].what(), "recvfrom socket");
    EXPECT_FALSE(calls[3].returned());
}

TEST(KillRecord, FindsThePathsThatStraceWouldCompare) {
    const auto calls = record_of(
        "1 renameat(6</tmp/d/state>, \".new\", 6</tmp/d/state>, \"state.json\") = 0\n"
        "1 connect(9<socket:[7]>, {sa_family=AF_INET, sin_addr=inet_addr(\"127.0.0.1\")}, 16) = -1 "
        "EINPROGRESS (in progress)\n"
        "1 openat(AT_FDCWD</home>, \"/tmp/d/with \\\" and ) = \", O_RDONLY) = -1 ENOENT (No such file)\n");
    ASSERT_EQ(calls.size(), 3U);
    EXPECT_EQ(calls[0].paths, (Names{"{device}/state", ".new", "{device}/state", "state.json"}));
    EXPECT_EQ(calls[1].paths, Names{"socket"});
    EXPECT_EQ(calls[2].paths, Names{R"({device}/with \" and ) = )"});
    EXPECT_EQ(path_on(calls[0].paths[0], "/tmp/e"), "/tmp/e/state");
}

TEST(KillRecord, KnowsWhatChangesTheWorld) {
    const auto changes = [](const std::string& line) { return record_of(line)[0].changes_the_world(); };
    EXPECT_TRUE(changes(first_write));
    EXPECT_TRUE(changes("1 fsync(6</tmp/d/state>) = 0"));
    EXPECT_TRUE(changes("1 connect(9<socket:[7]>, {}, 16) = -1 EINPROGRESS (Operation now in progress)"));
    EXPECT_TRUE(changes("1 recvfrom(9<socket:[7]>, \"\"..., 5, 0, NULL, NULL) = 5"));
    EXPECT_TRUE(changes("1 unknown(6</tmp/d/state>) = 0"));
    EXPECT_FALSE(changes("1 unlinkat(6</tmp/d/state>, \".new\", 0) = -1 ENOENT (No such file or directory)"));
    EXPECT_FALSE(changes("1 openat(AT_FDCWD</home>, \"/tmp/d/state\", O_RDONLY) = 6</tmp/d/state>"));
    EXPECT_FALSE(changes("1 read(5</tmp/d/owner-secret>, \"\"..., 65537) = 9"));
    EXPECT_FALSE(changes("1 write(5</var/log/other>, \"\"..., 9) = 9"));
    EXPECT_FALSE(changes("1 recvfrom(5</tmp/d/a>, 0x7f, 9, 0, NULL, NULL) = -1 ENOTSOCK (not a socket)"));
}

TEST(KillRecord, RefusesALineItDoesNotUnderstand) {
    EXPECT_THROW((void)record_of("1 write(7</tmp/d/x>, \"\"..."), std::runtime_error);
}

TEST(KillPlan, BeginsAtTheFirstWriteOfStateAndAimsAtWhatIsAboutTheWorld) {
    const auto plan = plan_kills(record_of(
        "11 connect(9<socket:[3]>, {}, 16) = 0\n"
        "11 unlinkat(6</tmp/d/state>, \".state.json.devkeyd-new\", 0) = -1 ENOENT (No such file)\n" +
        first_write +
        "11 mmap(NULL, 65536, PROT_READ, MAP_PRIVATE, -1, 0) = 0x61e0\n"
        "11 write(7</tmp/d/state/.state.json.devkeyd-new>, \"\"..., 504) = 504\n"
        "11 close(7</tmp/d/state/.state.json.devkeyd-new>) = 0\n"
        "11 write(9<socket:[3]>, \"\"..., 80) = 80\n"));
    EXPECT_EQ(names_of(plan.aims),
              (Names{"openat {device}/state .state.json.devkeyd-new #1",
                     "write {device}/state/.state.json.devkeyd-new #1",
                     "close {device}/state/.state.json.devkeyd-new #1", "write socket #1"}));
    EXPECT_EQ(plan.unaimed, Names{});
    EXPECT_EQ(plan.unhit, Names{});
    EXPECT_EQ(plan.aims[0].path, "{device}/state");
    EXPECT_EQ(plan.aims[0].when, 1U);
    EXPECT_EQ(plan.aims[3].path, "");  // a socket's path is another in every run…
    EXPECT_EQ(plan.aims[3].when, 2U);  // …so that all writes of the thread are counted
    EXPECT_EQ(plan.aims[1].moment, 1U);
    EXPECT_EQ(plan.aims[2].moment, 2U);  // the same world as before the write to the socket
    EXPECT_EQ(plan.aims[3].moment, 2U);
}

TEST(KillPlan, CountsInTheThreadAndOnlyThePathsCalls) {
    const auto plan = plan_kills(record_of(first_write + "11 fsync(6</tmp/d/state>) = 0\n"
                                                         "11 fsync(7</tmp/d/credential.json>) = 0\n"
                                                         "11 fsync(6</tmp/d/state>) = 0\n"));
    ASSERT_EQ(plan.aims.size(), 4U);
    EXPECT_EQ(plan.aims[2].when, 1U);
    EXPECT_EQ(plan.aims[3].when, 2U);
    EXPECT_EQ(plan.aims[3].name(), "fsync {device}/state #2");
}

TEST(KillPlan, SaysWhatItCannotTellApartFromAnotherThreads) {
    const auto plan =
        plan_kills(record_of("10 write(3</var/log/a>, \"\"..., 9) = 9\n"
                             "10 write(3</var/log/a>, \"\"..., 9) = 9\n" +
                             first_write +
                             "11 write(9<socket:[3]>, \"\"..., 80) = 80\n"
                             "11 write(9<socket:[3]>, \"\"..., 80) = 80\n"
                             "11 write(9<socket:[3]>, \"\"..., 80) = 80\n"));
    EXPECT_EQ(names_of(plan.aims),
              (Names{"openat {device}/state .state.json.devkeyd-new #1", "write socket #3"}));
    EXPECT_EQ(plan.unaimed, (Names{"write socket", "write socket"}));
    EXPECT_EQ(plan.unhit, (Names{"write socket", "write socket"}));
}

TEST(KillPlan, KnowsTheSameKillInAnotherRun) {
    const auto aim_after = [](const std::string& before) {
        return plan_kills(record_of(before + first_write + "11 write(9<socket:[3]>, \"\"..., 80) = 80\n"))
            .aims[1];
    };
    const auto aim = aim_after("");
    EXPECT_TRUE(is_same_kill(aim, aim_after("11 futex(0x7f60, FUTEX_WAKE_PRIVATE, 1) = 0\n")));
    EXPECT_FALSE(is_same_kill(aim, aim_after("11 write(3</var/log/a>, \"\"..., 9) = 9\n")));
    EXPECT_FALSE(is_same_kill(aim, aim_after("11 write(9<socket:[3]>, \"\"..., 80) = 80\n")));
}

TEST(KillPlan, NeedsAWriteOfState) {
    EXPECT_THROW((void)plan_kills(record_of("11 write(9<socket:[3]>, \"\"..., 80) = 80\n")),
                 std::runtime_error);
}

TEST(KillPlan, ChoosesEveryMomentFirst) {
    std::vector<Aim> aims;
    for (std::size_t call = 0; call < 12; ++call) {
        Aim aim;
        aim.call = call;
        aim.moment = call / 4;
        aims.push_back(aim);
    }
    const auto calls_of = [](const std::vector<Aim>& chosen) {
        std::vector<std::size_t> calls;
        for (const auto& aim : chosen) calls.push_back(aim.call);
        return calls;
    };
    EXPECT_EQ(calls_of(choose(aims, 3)), (std::vector<std::size_t>{3, 7, 11}));
    EXPECT_EQ(calls_of(choose(aims, 5)), (std::vector<std::size_t>{0, 3, 5, 7, 11}));
    EXPECT_EQ(choose(aims, 120).size(), 12U);
    EXPECT_EQ(calls_of(choose(aims, 2)), (std::vector<std::size_t>{3, 7}));
}

TEST(KillPlan, SeesWhetherAKillHit) {
    Aim aim;
    aim.what = "write socket";
    aim.ordinal = 2;
    const std::string once = "11 write(9<socket:[3]>, \"\"..., 80) = 80\n";
    EXPECT_TRUE(ends_at(record_of(once + "11 write(9<socket:[3]>, \"\"..., 80) = ?\n"), aim));
    EXPECT_TRUE(ends_at(record_of(once + "11 write(9<socket:[3]>, \"\"..., 80 <unfinished ...>\n"), aim));
    EXPECT_FALSE(ends_at(record_of(once + once), aim));
    EXPECT_FALSE(ends_at(record_of(once + once + "11 write(9<socket:[3]>, \"\"..., 80) = ?\n"), aim));
    EXPECT_FALSE(ends_at(record_of(once + "11 write(9</tmp/d/a>, \"\"..., 80) = ?\n"), aim));
}

}  // namespace
}  // namespace devkey::e2e
