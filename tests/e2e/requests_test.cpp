// What a person asks for with --decommission and --recommission: with and without a daemon, without the
// service, and through crashes.
#include "e2e/requests.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <random>

#include "storage/descriptor.hpp"

namespace devkey::e2e {
namespace {

using fakes::content_of;
using fakes::wait_until;

// ---- without a daemon

TEST_F(Asked, DecommissionLeavesNeitherKeyNorSecretAndARestNothingUndoes) {
    decommission();
    expect_rest();
    const auto asked = service.served().size();
    decommission();  // once more: there is nothing to do
    EXPECT_EQ(service.served().size(), asked);
    expect_rest();
}

TEST_F(Asked, DecommissionIsToldInWords) {
    const auto words = [&](const std::string& flag, int exit_code) {
        fakes::Process process(device.words({flag}), device.next_output());
        EXPECT_EQ(process.wait(), exit_code) << process.errors();
        return process.output();
    };
    const auto first = words("--decommission", 0);
    EXPECT_TRUE(first.starts_with("decommissioned: since 20")) << first;
    EXPECT_TRUE(first.ends_with("; changed: yes\n")) << first;
    const auto later = words("--once", EX_UNAVAILABLE);
    EXPECT_TRUE(later.starts_with("decommissioned: since 20")) << later;
    const auto back = words("--recommission", 0);
    EXPECT_TRUE(back.starts_with("provisioned: key devkey-bench-1-")) << back;
    EXPECT_TRUE(back.contains(" (generation 2) in " + device.credential_file() + "; changed: yes\n")) << back;
}

TEST_F(Asked, RecommissionGivesAKeyOfTheNextGeneration) {
    decommission();
    const auto run = device.run("--recommission");
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    EXPECT_EQ(run.result, "provisioned") << run.out;
    EXPECT_EQ(run.reason, "healthy") << run.out;
    expect_only_the_published_key();
    expect_second_generation();
    const auto again = device.run("--recommission");  // nothing to do
    EXPECT_EQ(again.exit_code, 0) << again.err << again.out;
    EXPECT_FALSE(again.changed);
    expect_second_generation();
}

TEST_F(Asked, DecommissionOfADeviceThatNeverHadAKeyKeepsItFromGettingOne) {
    start_over();
    const auto run = device.run("--decommission");
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    expect_out_of_service();
    expect_rest();
}

TEST_F(Asked, DecommissionDisablesWhereThePolicySaysSo) {
    set_policy("decommission: disable\n");
    const auto run = device.run("--decommission");
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    EXPECT_EQ(run.result, "decommissioned");
    EXPECT_EQ(service.key_names(), Names{old_name});
    EXPECT_FALSE(service.takes(old_key));
    EXPECT_FALSE(is_asked());
    expect_no_secret();
    expect_rest();
    EXPECT_EQ(device.run("--recommission").exit_code, 0);
    expect_second_generation();
    EXPECT_FALSE(service.takes(old_key));
}

// It takes no key along that somebody else would miss.
TEST_F(Asked, DecommissionLeavesTheOwnersOtherKeysAlone) {
    Device other{service.url(), service.authority.ca_file()};
    other.device_id = "{literal: bench-2}";
    other.write_settings();
    ASSERT_EQ(other.once().exit_code, 0);
    EXPECT_EQ(device.run("--decommission").exit_code, 0);
    EXPECT_EQ(service.key_names(), Names{other.credential("key_name")});
    EXPECT_TRUE(service.takes(other.credential("key")));
    expect_no_secret();
}

// ---- with a daemon

TEST_F(Asked, DecommissionIsDoneByTheDaemonThatRuns) {
    start_daemon();
    ASSERT_TRUE(logs("healthy")) << log();
    decommission();
    EXPECT_TRUE(logs("decommissioned")) << log();
    EXPECT_FALSE(device.run("--decommission").changed) << "there is nothing to do";
    EXPECT_TRUE(daemon->is_running());
    EXPECT_EQ(daemon->end(SIGTERM), 0) << log();
    daemon.reset();

    const auto asked = service.served().size();
    Daemon next(device);
    EXPECT_TRUE(next.tells("STATUS=decommissioned")) << next.told();
    EXPECT_TRUE(next.tells("READY=1")) << next.told();
    for (const int signal : {SIGUSR1, SIGHUP}) {  // not even who asks for a key gets one
        next.process().signal(signal);
        EXPECT_TRUE(next.tells("STATUS=decommissioned")) << next.told();
    }
    EXPECT_EQ(next.process().end(SIGTERM), 0);
    EXPECT_EQ(service.served().size(), asked);
    expect_out_of_service();
    expect_rest();
}

TEST_F(Asked, RecommissionIsDoneByTheDaemonThatRuns) {
    start_daemon();
    ASSERT_TRUE(logs("healthy")) << log();
    decommission();
    const auto run = device.run("--recommission");
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    EXPECT_EQ(run.result, "done") << run.out;
    EXPECT_TRUE(run.changed);
    EXPECT_FALSE(is_asked());
    ASSERT_TRUE(wait_until([&] { return device.has_credential(); })) << log();
    ASSERT_TRUE(wait_until([&] { return !state()->has("pending"); })) << log();
    expect_second_generation();
    const auto again = device.run("--recommission");
    EXPECT_EQ(again.exit_code, 0) << again.err << again.out;
    EXPECT_FALSE(again.changed);
    EXPECT_EQ(daemon->end(SIGTERM), 0) << log();
    expect_only_the_published_key();
}

/// --decommission while a daemon runs and the service is away; then both are killed.
struct RequestsWithoutTheService : Asked {
    void SetUp() override {
        Asked::SetUp();
        start_daemon();
        ASSERT_TRUE(logs("healthy")) << log();
        service.stop();
        fakes::Process asking(device.words({"--decommission", "--json"}), device.next_output());
        // What needs no service is done at once.
        ASSERT_TRUE(wait_until([&] { return !device.has_credential(); })) << log();
        ASSERT_TRUE(logs("service-unavailable")) << log();
        EXPECT_TRUE(asking.is_running());
        asking.end(SIGKILL);
        daemon->end(SIGKILL);
        EXPECT_EQ(asking.output(), "");
        EXPECT_TRUE(
            content_of(requests_file()).starts_with("{\"version\":1,\"request\":\"decommission\",\"id\":\""));
        EXPECT_EQ(service.key_names(), Names{old_name});
        expect_no_secret();
    }
    void start_service() { service.start(service.authority.issue("127.0.0.1")); }
};

TEST_F(RequestsWithoutTheService, DecommissionIsCarriedOutByTheNextDaemon) {
    start_daemon();
    ASSERT_TRUE(logs("service-unavailable")) << log();
    start_service();
    ASSERT_TRUE(wait_until([&] { return !is_asked(); })) << log();
    expect_out_of_service();
    EXPECT_TRUE(daemon->is_running());
}

TEST_F(RequestsWithoutTheService, DecommissionIsCarriedOutByTheNextRun) {
    const auto away = device.once();
    EXPECT_EQ(away.exit_code, EX_TEMPFAIL) << away.err << away.out;
    EXPECT_EQ(away.reason, "service-unavailable");
    EXPECT_TRUE(is_asked());
    start_service();
    EXPECT_EQ(device.once().reason, "decommissioned");
    expect_out_of_service();
    expect_rest();
}

// Who thinks better of it gets a new key: the old secret is forgotten.
TEST_F(RequestsWithoutTheService, RecommissionTakesThePlaceOfDecommission) {
    start_service();
    const auto run = device.run("--recommission");
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    EXPECT_EQ(run.result, "provisioned");
    expect_only_the_published_key();
    expect_second_generation();
}

// ---- killed in the middle

struct Moment {
    const char* name;
    const char* method;
    const char* path_end;
    fakes::Fault (*fault)(fakes::GatePtr);

    friend void PrintTo(const Moment& moment, std::ostream* out) { *out << moment.name; }
};

struct DecommissionKilled : Asked, testing::WithParamInterface<Moment> {};

TEST_P(DecommissionKilled, AtARequestEndsWithTheNextRun) {
    const auto gate = std::make_shared<fakes::Gate>();
    service.faults.at(GetParam().method, GetParam().path_end, GetParam().fault(gate));
    fakes::Process asking(device.words({"--decommission"}), device.next_output());
    ASSERT_TRUE(gate->reached()) << asking.errors();
    EXPECT_EQ(asking.end(SIGKILL), -SIGKILL);
    expect_no_secret();
    decommission();
    const auto asked = service.served().size();
    gate->open();  // what was on its way takes effect after all
    EXPECT_TRUE(wait_until([&] { return service.served().size() > asked; }));
    expect_rest();
    expect_out_of_service();
}

INSTANTIATE_TEST_SUITE_P(
    E2e, DecommissionKilled,
    testing::Values(Moment{"before_log_in", "POST", "local-userpass/login", fakes::delay_before},
                    Moment{"after_log_in", "POST", "local-userpass/login", fakes::delay_after},
                    Moment{"before_removal", "DELETE", "", fakes::delay_before},
                    Moment{"after_removal", "DELETE", "", fakes::delay_after},
                    Moment{"before_log_out", "DELETE", "/auth/session", fakes::delay_before}));

// Whatever the moment: the promise holds at each. All of them are spread over the time that a run takes.
TEST_F(Asked, DecommissionKilledAtAnyMomentEndsWithTheNextRun) {
    std::mt19937 chance(std::random_device{}());
    const auto begun = std::chrono::steady_clock::now();
    decommission();
    const auto whole =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
    for (int round = 0; round < 6; ++round) {
        start_over();
        expect_settled_by_a_run();
        old_key = device.credential("key");
        const std::chrono::microseconds at{
            std::uniform_int_distribution<std::chrono::microseconds::rep>(0, whole.count())(chance)};
        SCOPED_TRACE("killed after " + std::to_string(at.count()) + " us");
        fakes::Process asking(device.words({"--decommission"}), device.next_output());
        std::this_thread::sleep_for(at);
        asking.end(SIGKILL);
        decommission();
        expect_rest();
    }
}

TEST_F(Asked, DecommissionOutlivesADaemonThatIsKilledInIt) {
    const auto gate = std::make_shared<fakes::Gate>();
    fakes::Process asking = ask_to_leave(gate);
    ASSERT_TRUE(gate->reached()) << log();
    daemon->end(SIGKILL);
    // Who asked sees that the daemon is gone, and does it.
    EXPECT_EQ(asking.wait(), 0) << asking.errors();
    EXPECT_TRUE(asking.output().contains(R"("result":"decommissioned")")) << asking.output();
    const auto asked = service.served().size();
    gate->open();  // what was on its way takes effect after all
    EXPECT_TRUE(wait_until([&] { return service.served().size() > asked; }));
    expect_out_of_service();
    expect_rest();
}

// Two who ask at once: what the second asked for stands, and is done after the first.
TEST_F(Asked, RecommissionDuringADecommissionFollowsIt) {
    const auto gate = std::make_shared<fakes::Gate>();
    service.faults.at("DELETE", "", fakes::delay_before(gate));
    fakes::Process first(device.words({"--decommission"}), device.next_output());
    ASSERT_TRUE(gate->reached()) << first.errors();
    fakes::Process second(device.words({"--recommission"}), device.next_output());
    ASSERT_TRUE(wait_until([&] { return content_of(requests_file()).contains("recommission"); }));
    gate->open();
    EXPECT_EQ(first.wait(), 0) << first.errors();
    EXPECT_EQ(second.wait(), 0) << second.errors();
    expect_only_the_published_key();
    expect_second_generation();
}

// The same, where a daemon does the work: who asked first is told.
TEST_F(Asked, DecommissionIsToldThatAnotherRequestHasTakenItsPlace) {
    const auto gate = std::make_shared<fakes::Gate>();
    fakes::Process first = ask_to_leave(gate);
    ASSERT_TRUE(gate->reached()) << log();
    fakes::Process second(device.words({"--recommission", "--json"}), device.next_output());
    EXPECT_EQ(first.wait(), EX_TEMPFAIL) << first.errors();
    EXPECT_TRUE(first.output().contains(R"("reason":"replaced")")) << first.output();
    EXPECT_TRUE(first.output().contains("--recommission")) << first.output();
    gate->open();
    EXPECT_EQ(second.wait(), 0) << second.errors();
    ASSERT_TRUE(wait_until([&] { return device.has_credential(); })) << log();
    ASSERT_TRUE(wait_until([&] { return !state()->has("pending"); })) << log();
    expect_second_generation();
}

// A request that is done before who asked has looked, and undone by another: no `done` is told.
TEST_F(Asked, DecommissionThatWasUndoneIsNotToldAsDone) {
    const auto gate = std::make_shared<fakes::Gate>();
    fakes::Process first = ask_to_leave(gate);
    ASSERT_TRUE(gate->reached()) << log();
    first.signal(SIGSTOP);
    gate->open();
    ASSERT_TRUE(wait_until([&] { return !is_asked(); })) << log();
    EXPECT_EQ(device.run("--recommission").exit_code, 0);
    first.signal(SIGCONT);
    EXPECT_EQ(first.wait(), EX_TEMPFAIL) << first.errors();
    EXPECT_TRUE(first.output().contains(R"("reason":"replaced")")) << first.output();
}

// What needs no service is done before whoever asked has brought it to disk.
TEST_F(Asked, RecommissionIsForgottenWhenItsWriterHasLetGo) {
    start_daemon();
    ASSERT_TRUE(logs("healthy")) << log();
    const storage::Descriptor writer{
        ::open(device.state_directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    ASSERT_EQ(::flock(writer.get(), LOCK_EX), 0);
    fakes::put(requests_file(), "{\"version\": 1, \"request\": \"recommission\", \"id\": \"abc\"}\n");
    change_settings("bench-1", "bench-2");
    daemon->signal(SIGHUP);  // so that its log tells of a pass since
    ASSERT_TRUE(logs("identity-changed")) << log();
    EXPECT_TRUE(is_asked());
    ASSERT_EQ(::flock(writer.get(), LOCK_UN), 0);
    EXPECT_TRUE(wait_until([&] { return !is_asked(); })) << log();
    EXPECT_FALSE(log().contains("request-stays")) << log();
    EXPECT_TRUE(daemon->is_running());
}

// Written down by a devkeyd of before, which gave requests no id.
TEST_F(Asked, DecommissionWithoutAnIdIsCarriedOutToo) {
    fakes::put(requests_file(), "{\"version\": 1, \"request\": \"decommission\"}\n");
    EXPECT_EQ(device.once().reason, "decommissioned");
    expect_out_of_service();
}

}  // namespace
}  // namespace devkey::e2e
