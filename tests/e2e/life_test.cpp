// The whole life of a device's keys by its policy, with durations of seconds, and what it costs in requests.
#include "e2e/life.hpp"

#include <set>

#include "e2e/real_service.hpp"

namespace devkey::e2e {
namespace {

using namespace std::chrono_literals;
using fakes::Gate;

using Life = LifeStory;

// No faster rotation can be set. No watchdog: whatever is asked is asked for the rotation's sake.
std::string short_life(const std::string& superseded) {
    return "rotate: {after: 5s, jitter: 0%}\nverify: {patience: 1s}\nsuperseded: " + superseded +
           "\nwatchdog: {key_login: {every: never}, key_listed: {every: never}}\n";
}

// The service tells the time in whole seconds: an age may be taken for so much more than it is.
constexpr auto whole_second = 1s;

std::chrono::nanoseconds now() {
    return std::chrono::system_clock::now().time_since_epoch();
}

// ---- on schedule

// The service doesn't carry out what lets the old key go before the test has looked.
struct LettingGo : Life {
    fakes::GatePtr hold(const std::string& method, const std::string& path) {
        auto gate = std::make_shared<Gate>();
        service.faults.at(method, "/auth/api_keys/" + path, fakes::delay_before(gate));
        return gate;
    }
    void expect_both_log_in(const Published& one, const Published& other) {
        EXPECT_TRUE(takes(one.secret)) << one.name;
        EXPECT_TRUE(takes(other.secret)) << other.name;
    }
    /// Waits until generation 2 takes the place of generation 1.
    void see_rotation() {
        start();
        old_key = published("1");
        disabling = hold("PUT", old_key.id + "/disable");
        removing = hold("DELETE", old_key.id);
        new_key = published("2");
        EXPECT_GE(new_key.at - old_key.at, 5s - whole_second) << "not before its age";
        expect_both_log_in(old_key, new_key);
    }
    void expect_grace_of_two_seconds() {
        EXPECT_GE(now() - new_key.at, 2s - whole_second);
        expect_both_log_in(old_key, new_key);
    }

    Published old_key;
    Published new_key;
    fakes::GatePtr disabling;
    fakes::GatePtr removing;
};

TEST_F(LettingGo, DisablesTheOldKeyAfterItsGraceAndRemovesItLater) {
    set_policy(short_life("{keep_enabled: 2s, then: disable, delete_after: 2s}"));
    see_rotation();
    ASSERT_TRUE(disabling->reached()) << log();
    expect_grace_of_two_seconds();
    disabling->open();
    const auto disabled_at = now();
    ASSERT_TRUE(removing->reached()) << log();
    EXPECT_GE(now() - disabled_at, 2s - whole_second) << "not before delete_after";
    EXPECT_FALSE(takes(old_key.secret));
    EXPECT_TRUE(takes(new_key.secret));
    const auto disabled = listed(old_key.id);
    ASSERT_TRUE(disabled);
    EXPECT_FALSE(disabled->enabled);
    removing->open();
    EXPECT_TRUE(fakes::wait_until([&] { return !listed(old_key.id); })) << log();

    const auto next = published("3");
    EXPECT_EQ((std::set{old_key.name, new_key.name, next.name}.size()), 3U);
    EXPECT_EQ(daemon->process().end(SIGTERM), 0) << log();
    EXPECT_TRUE(takes(next.secret));
    EXPECT_EQ(service.count_of("POST api_keys 201"), 3U);
}

TEST_F(LettingGo, RemovesTheOldKeyAtOnceWhereThePolicySaysSo) {
    set_policy(short_life("{keep_enabled: 2s, then: delete}"));
    see_rotation();
    ASSERT_TRUE(removing->reached()) << log();
    expect_grace_of_two_seconds();
    removing->open();
    EXPECT_TRUE(fakes::wait_until([&] { return !listed(old_key.id); })) << log();
    EXPECT_FALSE(takes(old_key.secret));
    EXPECT_TRUE(takes(new_key.secret));
    EXPECT_EQ(service.count_of("PUT disable 204"), 0U);
}

// Nobody who reads the credential file ever gets a key that doesn't log in.
TEST(LifeWithTheRealServer, NeverLeavesTheDeviceWithoutAWorkingKey) {
    RealService service;
    Device device{service.url(), service.authority.ca_file()};
    const auto user = service.add_owner();
    device.owner_lines = "  provider: local-userpass\n  username: " + user + "\n";
    fakes::put(device.directory.file("policy.yaml"),
               "version: 1\n" + short_life("{keep_enabled: 2s, then: disable, delete_after: 0s}"));
    device.more_lines = "policy: policy.yaml\n";
    device.write_settings();
    Daemon daemon(device);
    ASSERT_TRUE(daemon.tells("READY=1")) << daemon.process().errors();
    const auto first = device.credential("key_id");
    const auto works = [&] {
        const auto secret = device.credential("key");
        // One that was replaced while it was tried may have ended its grace.
        return service.takes(secret) || secret != device.credential("key");
    };
    EXPECT_TRUE(fakes::wait_until([&] {
        EXPECT_TRUE(works());
        return std::ranges::none_of(service.keys(user), [&](const auto& key) { return key.id == first; });
    })) << daemon.process().errors();
    EXPECT_TRUE(works());
    EXPECT_GE(std::stoi(device.credential("generation")), 2);
    EXPECT_LE(service.keys(user).size(), 2U);
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
}

// ---- what it costs: "location" is asked, and sessions are logged out, since nothing is due for long

struct Requests : Life {
    void SetUp() override {
        set_policy("superseded: {keep_enabled: 10m, delete_after: 10m}\n");
        start();
        ASSERT_TRUE(tells("healthy")) << log();
        old_key = published("1");
        mark = service.served().size();
        daemon->process().signal(SIGUSR1);
        ASSERT_EQ(published("2").generation, "2") << log();
        ASSERT_TRUE(is_served("DELETE session 204", mark, 2)) << log();
    }
    /// The daemon starts after an hour, does this, and logs out.
    void expect_an_hour_later(const std::string& wanted) {
        if (daemon->process().is_running()) stop();
        age(1h);
        mark = service.served().size();
        start();
        ASSERT_TRUE(is_served(wanted, mark)) << log();
        ASSERT_TRUE(is_served("DELETE session 204", mark)) << log();
        ASSERT_TRUE(tells("healthy")) << log();
        expect_at_most(4, wanted);
    }
    /// With log-outs, since the mark; and no other follow.
    void expect_at_most(std::size_t all, const std::string& wanted) {
        ASSERT_EQ(daemon->process().end(SIGTERM), 0) << log();
        const auto made = served_since(mark);
        EXPECT_LE(made.size(), all) << testing::PrintToString(made);
        EXPECT_EQ(std::ranges::count(made, wanted), 1) << testing::PrintToString(made);
    }

    std::size_t mark = 0;
    Published old_key;
};

TEST_F(Requests, FromTheTriggerToThePublishedKeyAreAtMostSixAndWithLogOutsEight) {
    expect_at_most(8, "POST api_keys 201");
    const auto made = served_since(mark);
    EXPECT_LE(made.size() - static_cast<std::size_t>(std::ranges::count(made, "DELETE session 204")), 6U)
        << testing::PrintToString(made);
    EXPECT_EQ(std::ranges::count(made, "DELETE session 204"), 2) << "both sessions are logged out";
}

TEST_F(Requests, ToDisableAndToRemoveAKeyAreAtMostFourEach) {
    expect_an_hour_later("PUT disable 204");
    EXPECT_FALSE(service.takes(old_key.secret));
    expect_an_hour_later("DELETE " + old_key.id + " 204");
    EXPECT_EQ(service.key_names(), std::vector{published().name});
}

TEST_F(Requests, OfAQuietStretchAreNone) {
    stop();
    age(5min);
    mark = service.served().size();
    start();
    ASSERT_TRUE(tells("healthy")) << log();
    // Each of these is a pass of its own, which restores the file.
    for (int time = 0; time < 3; ++time) {
        ::chmod(device.credential_file().c_str(), 0644);
        ASSERT_TRUE(tells("healthy")) << log();
    }
    EXPECT_EQ(served_since(mark), std::vector<std::string>{});
}

// Each check by the key is its log-in and its log-out; each by the owner is one list.
TEST_F(Life, OfAQuietStretchIsOnlyWhatTheWatchdogAsks) {
    set_policy(
        "rotate: {after: never}\nwatchdog: {jitter: 0%, key_login: {every: 1s}, key_listed: {every: 1s}}\n");
    start();
    ASSERT_TRUE(tells("healthy")) << log();
    const auto served = [&](const std::string& line) { return service.count_of(line); };
    ASSERT_TRUE(fakes::wait_until([&] { return served("GET api_keys 200") >= 4; })) << log();
    ASSERT_EQ(daemon->process().end(SIGTERM), 0) << log();
    std::set<std::string> kinds;
    for (const auto& line : service.served()) kinds.insert(line);
    EXPECT_EQ(kinds, (std::set<std::string>{"GET location 200", "POST login 200", "GET api_keys 200",
                                            "POST api_keys 201", "DELETE session 204"}));
    EXPECT_EQ(served("GET location 200"), 1U);
    EXPECT_EQ(served("POST api_keys 201"), 1U);
    EXPECT_EQ(served("POST login 200"), served("DELETE session 204") + 1) << "the owner's is kept meanwhile";
}

}  // namespace
}  // namespace devkey::e2e
