// The dead man's switch, with a file that the test touches in the place of the device's program.
#include <sys/stat.h>
#include <sysexits.h>

#include <regex>

#include "core/time.hpp"
#include "e2e/story.hpp"

namespace devkey::e2e {
namespace {

using namespace std::chrono_literals;
using fakes::wait_until;

/// A device whose key is an hour old: a service may not show a younger one yet, so nothing rests on that.
struct Heartbeat : Story {
    void SetUp() override {
        expect_settled_by_a_run();
        age(1h);
        key = device.credential("key");
        id = service.keys().at(0).id;
    }
    /// `lines`: the heartbeat's, beside its file and the shortest silence.
    void set_policy(const std::string& lines) {
        fakes::put(device.directory.file("policy.yaml"),
                   "version: 1\nwatchdog:\n  heartbeat: {file: " + heartbeat_file() + ", stale_after: 5s, " +
                       lines + "}\n");
        device.more_lines = "policy: policy.yaml\n";
        device.write_settings();
    }
    void start() {
        beat();
        daemon.emplace(device);
        ASSERT_TRUE(daemon->tells("STATUS=healthy")) << log();
    }
    void beat() const { fakes::put(heartbeat_file(), "alive"); }
    /// Beats until the condition holds.
    template <class Condition>
    [[nodiscard]] bool beats_until(Condition condition) const {
        return wait_until([&] {
            beat();
            return condition();
        });
    }
    /// Told since the last such wait, while nothing beats.
    [[nodiscard]] bool tells(const std::string& status) { return daemon->tells("STATUS=" + status); }
    [[nodiscard]] std::string log() { return daemon->process().errors(); }
    [[nodiscard]] std::string heartbeat_file() const { return device.directory.file("alive"); }
    [[nodiscard]] std::size_t disablings() const { return service.count_of("PUT disable 204"); }
    [[nodiscard]] std::size_t enablings() const { return service.count_of("PUT enable 204"); }
    void expect_key_switched_off() {
        ASSERT_TRUE(wait_until([&] { return !service.takes(key); })) << log();
        ASSERT_TRUE(tells("key-switched-off")) << log();
        EXPECT_EQ(disablings(), 1U);
        EXPECT_EQ(enablings(), 0U);
        EXPECT_TRUE(device.has_credential()) << "the programs find it when it is enabled again";
    }
    /// Every time in the state moved back.
    void age(core::Millis by) const {
        const auto text = device.state_text();
        const std::regex time(R"(\d{4}-\d\d-\d\dT[0-9:.]+Z)");
        std::string aged;
        auto from = text.begin();
        for (std::sregex_iterator at(text.begin(), text.end(), time), end; at != end; ++at) {
            aged.append(from, text.begin() + at->position());
            aged += core::format_instant(core::parse_instant(at->str()).value() - by);
            from = text.begin() + at->position() + at->length();
        }
        fakes::put(state_file(), aged.append(from, text.end()));
    }

    std::string key;
    std::string id;
    std::optional<Daemon> daemon;
};

TEST_F(Heartbeat, OfASilentProgramDisablesTheKeyUntilItReturns) {
    set_policy("then: disable");
    start();
    expect_key_switched_off();
    const auto asked = service.served().size();
    const auto run = [&] {  // the key is off for whoever asks, too
        EXPECT_EQ(daemon->process().end(SIGTERM), 0);
        const auto once = device.once();
        EXPECT_EQ(once.exit_code, EX_NOPERM) << once.err << once.out;
        EXPECT_EQ(once.reason, "key-switched-off");
        EXPECT_FALSE(once.changed);
        daemon.reset();
        daemon.emplace(device);
    };
    run();
    ASSERT_TRUE(tells("key-switched-off")) << log();  // a restart keeps it off
    EXPECT_FALSE(service.takes(key));
    EXPECT_EQ(service.served().size(), asked) << "silence costs no requests";

    EXPECT_TRUE(beats_until([&] { return service.takes(key); })) << log();
    EXPECT_TRUE(beats_until([&] {
        return daemon->told().ends_with(
            "STATUS=healthy: the device has its key, "
            "and the credential file is whole\n");
    })) << log();
    EXPECT_EQ(enablings(), 1U);
    EXPECT_EQ(service.keys().size(), 1U);
    EXPECT_EQ(daemon->process().end(SIGTERM), 0);
}

TEST_F(Heartbeat, ThatReturnsLeavesTheKeyToAPersonWhereThePolicySaysSo) {
    set_policy("then: disable, on_return: hold");
    start();
    expect_key_switched_off();
    EXPECT_TRUE(beats_until([&] { return log().contains("watchdog.heartbeat.on_return is hold"); })) << log();
    EXPECT_FALSE(service.takes(key));
    EXPECT_EQ(enablings(), 0U);
}

TEST_F(Heartbeat, ThatReturnsDoesNotEnableWhatAPersonDisabled) {
    set_policy("then: disable");
    ASSERT_TRUE(service.store->set_key_disabled(id, true));  // devkeyd has no reason to look yet
    start();
    ASSERT_TRUE(tells("key-disabled-outside")) << log();
    beat();
    daemon->process().signal(SIGHUP);  // a pass that sees the beat
    ASSERT_TRUE(tells("key-disabled-outside")) << log();
    EXPECT_FALSE(service.takes(key));
    EXPECT_EQ(disablings(), 0U);
    EXPECT_EQ(enablings(), 0U);
    EXPECT_TRUE(log().contains("key-disabled-outside")) << log();
}

TEST_F(Heartbeat, ThatFallsSilentIsOnlyToldWhereThePolicySaysSo) {
    set_policy("then: alert");
    start();
    const auto asked = service.served().size();
    ASSERT_TRUE(tells("heartbeat-silent")) << log();
    EXPECT_TRUE(log().contains("warning: heartbeat-silent: ")) << log();
    EXPECT_TRUE(log().contains(heartbeat_file())) << log();
    EXPECT_TRUE(service.takes(key));
    ASSERT_TRUE(beats_until([&] { return log().rfind("healthy") > log().rfind("heartbeat-silent"); }))
        << log();
    EXPECT_EQ(service.served().size(), asked);
    EXPECT_EQ(daemon->process().end(SIGTERM), 0);
}

TEST_F(Heartbeat, ThatFallsSilentGetsOneOtherKeyWhereThePolicySaysSo) {
    set_policy("then: rotate");
    start();
    ASSERT_TRUE(wait_until([&] { return device.credential("generation") == "2"; })) << log();
    ASSERT_TRUE(tells("heartbeat-silent")) << log();
    for (int pass = 0; pass < 3; ++pass) {  // one for each silence
        daemon->process().signal(SIGHUP);
        ASSERT_TRUE(tells("heartbeat-silent")) << log();
    }
    EXPECT_EQ(device.credential("generation"), "2");
    EXPECT_TRUE(service.takes(key)) << "the grace of a superseded key";
    EXPECT_EQ(service.keys().size(), 2U);
}

// The file that was never there: the silence runs from boot, and a program gets its chance after the start.
TEST_F(Heartbeat, ThatNeverWasCountsFromBoot) {
    set_policy("then: disable");
    daemon.emplace(device);
    expect_key_switched_off();
    EXPECT_TRUE(beats_until([&] { return service.takes(key); })) << log();
}

}  // namespace
}  // namespace devkey::e2e
