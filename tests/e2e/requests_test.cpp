// What a person asks for with --decommission, --recommission and --take-over: with and without a daemon,
// without the service, and through crashes.
#include <sysexits.h>

#include <random>

#include "e2e/search.hpp"
#include "e2e/story.hpp"

namespace devkey::e2e {
namespace {

using fakes::content_of;
using fakes::wait_until;
using Names = std::vector<std::string>;

/// A device with its first key.
struct Requests : Story {
    void SetUp() override {
        expect_settled_by_a_run();
        old_key = device.credential("key");
        old_name = device.credential("key_name");
    }
    void set_policy(const std::string& lines) {
        fakes::put(device.directory.file("policy.yaml"), "version: 1\n" + lines);
        device.more_lines = "policy: policy.yaml\n";
        device.write_settings();
    }
    /// Without a socket: nothing that it tells makes it wait for us.
    void start_daemon() {
        daemon.reset();
        daemon.emplace(device.words({}), device.next_output());
    }
    /// Waits until its log has it.
    [[nodiscard]] bool logs(const std::string& text) const {
        return wait_until([&] { return log().contains(text) || !daemon->is_running(); }) &&
               log().contains(text);
    }
    [[nodiscard]] std::string log() const { return daemon->errors(); }
    [[nodiscard]] bool is_asked() const { return std::filesystem::exists(requests_file()); }
    [[nodiscard]] std::string requests_file() const { return device.state_directory() + "/requests.json"; }

    /// Neither the first key nor another is left on the device, in any file of it, the logs among them.
    void expect_no_secret() const {
        EXPECT_FALSE(device.has_credential());
        EXPECT_FALSE(state()->has("current"));
        EXPECT_FALSE(state()->has("pending"));
        EXPECT_FALSE(device.state_text().contains("\"secret\""));
        EXPECT_EQ(finds({{"the key", old_key}}, files_below(device.directory.path, {})), Names{});
    }
    void expect_out_of_service() const {
        EXPECT_EQ(service.key_names(), Names{});
        EXPECT_FALSE(service.takes(old_key));
        EXPECT_TRUE(state()->has("decommissioned_at"));
        EXPECT_FALSE(is_asked());
        expect_no_secret();
    }
    /// It ends with 0, and with nothing left.
    void decommission() {
        const auto run = device.run("--decommission");
        EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
        EXPECT_EQ(run.result, "decommissioned") << run.out;
        EXPECT_EQ(run.reason, "decommissioned") << run.out;
        expect_out_of_service();
    }
    /// A run with --once has nothing to do, and says so.
    void expect_rest() {
        const auto before = device.state_text();
        const auto asked = service.served().size();
        const auto run = device.once();
        EXPECT_EQ(run.exit_code, EX_UNAVAILABLE) << run.err << run.out;
        EXPECT_EQ(run.result, "decommissioned") << run.out;
        EXPECT_EQ(run.reason, "decommissioned") << run.out;
        EXPECT_FALSE(run.changed);
        EXPECT_NE(run.out.find("devkeyd --recommission takes it into service again"), std::string::npos)
            << run.out;
        EXPECT_EQ(service.served().size(), asked);
        EXPECT_EQ(device.state_text(), before);
        EXPECT_FALSE(device.has_credential());
    }
    void expect_second_generation() const {
        EXPECT_EQ(device.credential("generation"), "2");
        EXPECT_NE(device.credential("key"), old_key);
        EXPECT_TRUE(service.takes(device.credential("key")));
        EXPECT_FALSE(state()->has("decommissioned_at"));
        EXPECT_FALSE(is_asked());
    }

    std::string old_key;
    std::string old_name;
    std::optional<fakes::Process> daemon;
};

// ---- without a daemon

TEST_F(Requests, DecommissionLeavesNeitherKeyNorSecretAndARestNothingUndoes) {
    decommission();
    expect_rest();
    const auto asked = service.served().size();
    decommission();  // once more: there is nothing to do
    EXPECT_EQ(service.served().size(), asked);
    expect_rest();
}

TEST_F(Requests, DecommissionIsToldInWords) {
    const auto words = [&](const std::string& flag, int exit_code) {
        fakes::Process process(device.words({flag}), device.next_output());
        EXPECT_EQ(process.wait(), exit_code) << process.errors();
        return process.output();
    };
    const auto first = words("--decommission", 0);
    EXPECT_TRUE(first.starts_with("decommissioned: since 20")) << first;
    EXPECT_TRUE(first.ends_with("; changed: yes\n")) << first;
    const auto later = words("--once", EX_UNAVAILABLE);
    EXPECT_TRUE(later.starts_with("not provisioned: decommissioned: since 20")) << later;
    const auto back = words("--recommission", 0);
    EXPECT_TRUE(back.starts_with("provisioned: key devkey-bench-1-")) << back;
    EXPECT_TRUE(back.contains(" (generation 2) in " + device.credential_file() + "; changed: yes\n")) << back;
}

TEST_F(Requests, RecommissionGivesAKeyOfTheNextGeneration) {
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

TEST_F(Requests, DecommissionOfADeviceThatNeverHadAKeyKeepsItFromGettingOne) {
    start_over();
    const auto run = device.run("--decommission");
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    expect_out_of_service();
    expect_rest();
}

TEST_F(Requests, DecommissionDisablesWhereThePolicySaysSo) {
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
TEST_F(Requests, DecommissionLeavesTheOwnersOtherKeysAlone) {
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

TEST_F(Requests, DecommissionIsDoneByTheDaemonThatRuns) {
    start_daemon();
    ASSERT_TRUE(logs("healthy")) << log();
    decommission();
    EXPECT_TRUE(logs("decommissioned")) << log();
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

TEST_F(Requests, RecommissionIsDoneByTheDaemonThatRuns) {
    start_daemon();
    decommission();
    const auto run = device.run("--recommission");
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    EXPECT_EQ(run.result, "done") << run.out;
    EXPECT_TRUE(run.changed);
    EXPECT_FALSE(is_asked());
    ASSERT_TRUE(wait_until([&] { return device.has_credential(); })) << log();
    ASSERT_TRUE(wait_until([&] { return !state()->has("pending"); })) << log();
    expect_second_generation();
    EXPECT_EQ(daemon->end(SIGTERM), 0) << log();
    expect_only_the_published_key();
}

/// --decommission while a daemon runs and the service is away; then both are killed.
struct RequestsWithoutTheService : Requests {
    void SetUp() override {
        Requests::SetUp();
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
        EXPECT_EQ(content_of(requests_file()), "{\"version\": 1, \"request\": \"decommission\"}\n");
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

struct DecommissionKilled : Requests, testing::WithParamInterface<Moment> {};

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
TEST_F(Requests, DecommissionKilledAtAnyMomentEndsWithTheNextRun) {
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

TEST_F(Requests, DecommissionOutlivesADaemonThatIsKilledInIt) {
    const auto gate = std::make_shared<fakes::Gate>();
    start_daemon();
    ASSERT_TRUE(logs("healthy")) << log();
    service.faults.at("DELETE", "", fakes::delay_before(gate));
    fakes::Process asking(device.words({"--decommission", "--json"}), device.next_output());
    ASSERT_TRUE(gate->reached()) << log();
    daemon->end(SIGKILL);
    // Who asked sees that the daemon is gone, and does it.
    EXPECT_EQ(asking.wait(), 0) << asking.errors();
    EXPECT_TRUE(asking.output().contains(R"("result":"decommissioned")")) << asking.output();
    gate->open();
    expect_out_of_service();
    expect_rest();
}

// ---- other installations

/// The device was installed anew: its first key is another installation's.
struct TakeOver : Requests {
    void SetUp() override {
        Requests::SetUp();
        start_over_on_the_device();
        other.device_id = "{literal: bench-2}";
        other.write_settings();
        ASSERT_EQ(other.once().exit_code, 0);
        const auto run = device.once();
        ASSERT_EQ(run.exit_code, 0) << run.err << run.out;
        EXPECT_NE(run.err.find("other-installation"), std::string::npos) << run.err;
        EXPECT_NE(run.err.find(old_name), std::string::npos) << run.err;
        ASSERT_TRUE(service.store->add_key({"0123456789abcdef01234567", "user-1", "by-hand", false},
                                           server::sha256("made by hand")));
        EXPECT_EQ(service.keys().size(), 4U);
        EXPECT_TRUE(service.takes(old_key));
    }
    void start_over_on_the_device() const {
        std::filesystem::remove_all(device.state_directory());
        std::filesystem::remove(device.credential_file());
    }
    void expect_only_the_first_gone() const {
        EXPECT_FALSE(service.takes(old_key));
        auto wanted = Names{device.credential("key_name"), other.credential("key_name"), "by-hand"};
        auto names = service.key_names();
        std::ranges::sort(wanted);
        std::ranges::sort(names);
        EXPECT_EQ(names, wanted);
        EXPECT_TRUE(service.takes(device.credential("key")));
        EXPECT_TRUE(service.takes(other.credential("key")));
        EXPECT_TRUE(service.takes("made by hand"));
        EXPECT_FALSE(state()->has("others"));
        EXPECT_FALSE(is_asked());
    }

    Device other{service.url(), service.authority.ca_file()};
};

TEST_F(TakeOver, RemovesTheKeyOfTheFormerLifeAndOnlyThat) {
    const auto key = content_of(device.credential_file());
    const auto run = device.run("--take-over");
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    EXPECT_EQ(run.result, "provisioned") << run.out;
    EXPECT_TRUE(run.changed);
    expect_only_the_first_gone();
    EXPECT_EQ(content_of(device.credential_file()), key);
    const auto again = device.run("--take-over");
    EXPECT_EQ(again.exit_code, 0) << again.err << again.out;
    EXPECT_FALSE(again.changed);
    expect_only_the_first_gone();
}

TEST_F(TakeOver, IsDoneByTheDaemonThatRuns) {
    start_daemon();
    ASSERT_TRUE(logs("healthy")) << log();
    const auto run = device.run("--take-over");
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    EXPECT_EQ(run.result, "done") << run.out;
    expect_only_the_first_gone();
    EXPECT_TRUE(daemon->is_running());
}

// ---- what nobody can read

struct BadRequest : Requests, testing::WithParamInterface<std::string> {
    void expect_told(const std::string& text) const {
        EXPECT_NE(text.find("request-unreadable: " + requests_file() + ": "), std::string::npos) << text;
        EXPECT_NE(text.find("remove it, and ask again with devkeyd --decommission"), std::string::npos)
            << text;
    }
    void expect_untouched() const {
        EXPECT_EQ(content_of(requests_file()), GetParam());
        EXPECT_EQ(device.state_text(), before);
        EXPECT_TRUE(service.takes(old_key));
    }
    std::string before;
};

TEST_P(BadRequest, IsToldAndNothingElseHappens) {
    before = device.state_text();
    const auto whole = content_of(device.credential_file());
    fakes::put(requests_file(), GetParam());
    const auto asked = service.served().size();
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    EXPECT_FALSE(run.changed);
    expect_told(run.err);
    expect_untouched();

    std::filesystem::remove(requests_file());
    start_daemon();
    ASSERT_TRUE(logs("healthy")) << log();
    fakes::put(requests_file(), GetParam());
    EXPECT_TRUE(logs("request-unreadable")) << log();
    EXPECT_TRUE(logs("remove it, and ask again")) << log();
    expect_told(log());
    expect_untouched();
    EXPECT_EQ(service.served().size(), asked);
    std::filesystem::remove(device.credential_file());  // it goes on looking after its key
    EXPECT_TRUE(wait_until([&] { return content_of(device.credential_file()) == whole; })) << log();
    decommission();  // who asks properly gets it
    EXPECT_TRUE(daemon->is_running());
}

INSTANTIATE_TEST_SUITE_P(E2e, BadRequest,
                         testing::Values("", "garbage", "{\"version\": 1, \"request\": \"dance\"}\n",
                                         "{\"version\": 2, \"request\": \"decommission\"}\n",
                                         "{\"version\": 1, \"request\": \"decommission\"",
                                         "{\"version\": 1, \"request\": \"decommission\", \"more\": 1}\n",
                                         std::string(5000, 'x')));

}  // namespace
}  // namespace devkey::e2e
