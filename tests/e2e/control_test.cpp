// devkeyctl and the daemon: the real programs, every verb and how it ends.
#include <Poco/SHA2Engine.h>

#include "e2e/ctl.hpp"

namespace devkey::e2e {
namespace {

/// A device with its first key, whose daemon runs.
struct Control : Ctl {
    void SetUp() override {
        Ctl::SetUp();
        start_ready();
    }
};

TEST_F(Control, StatusTellsHowTheDeviceFaresAndNoSecret) {
    const auto text = ctl({"status"});
    EXPECT_EQ(text.exit_code, 0) << text.err;
    EXPECT_TRUE(text.out.starts_with("health      healthy\n")) << text.out;
    const auto told = ctl({"status", "--json"});
    EXPECT_EQ(told.exit_code, 0);
    EXPECT_EQ(told.field("health"), "healthy");
    EXPECT_EQ(told.json()->getObject("key")->getValue<std::string>("name"), old_name);
    EXPECT_EQ(told.err, "");
    for (const auto& secret : {old_key, device.secret}) {
        EXPECT_FALSE(told.out.contains(secret));
        EXPECT_FALSE(text.out.contains(secret));
    }
}

TEST_F(Control, RotateReplacesTheKeyAndLeavesTheOldOneItsGrace) {
    const auto told = ctl({"rotate", "--wait", "--json", "--reason", "a \"test\""});
    EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
    EXPECT_EQ(told.field("answer"), "rotated");
    EXPECT_EQ(told.field("generation"), "2");
    EXPECT_TRUE(service.takes(old_key));
    expect_second_generation();
    EXPECT_TRUE(log().contains("by=uid " + std::to_string(::geteuid()) + ", why=a \"test\"")) << log();
    EXPECT_FALSE(log().contains("compromised=")) << log();
}

TEST_F(Control, HistoryTellsWhoAskedAndWhatCameOfIt) {
    EXPECT_EQ(ctl({"rotate", "--wait", "--compromised", "--reason", "lost"}).exit_code, 0);
    const auto told = ctl({"history", "--json"});
    EXPECT_EQ(told.exit_code, 0) << told.err;
    const auto entries = told.json()->getArray("entries");
    Names events;
    for (unsigned at = 0; at < entries->size(); ++at)
        events.push_back(entries->getObject(at)->getValue<std::string>("event"));
    EXPECT_EQ(events, (Names{"key-created", "key-verified", "credential-published", "asked", "key-created",
                             "key-verified", "credential-published", "key-disabled"}));
    const auto last = entries->getObject(7);
    EXPECT_EQ(last->getValue<std::string>("key_name"), old_name);
    EXPECT_EQ(last->getValue<std::string>("reason"), "key-compromised");
    EXPECT_EQ(entries->getObject(3)->getValue<std::string>("why"), "lost");
    EXPECT_EQ(entries->getObject(3)->getValue<std::string>("compromised"), "true");
    EXPECT_EQ(entries->getObject(3)->getValue<std::string>("generation"), "1");
    Poco::SHA2Engine sha256;  // as `printf %s KEY | sha256sum` has it
    sha256.update(old_key);
    EXPECT_EQ(entries->getObject(0)->getValue<std::string>("key_fingerprint"),
              "sha256:" + Poco::SHA2Engine::digestToHex(sha256.digest()).substr(0, 16));
    const auto text = ctl({"history", "-n", "1"});
    EXPECT_TRUE(text.out.contains(" key-disabled: ")) << text.out;
    EXPECT_EQ(std::ranges::count(text.out, '\n'), 1);
    EXPECT_FALSE(told.out.contains(old_key));
}

TEST_F(Control, ALeakedKeyIsDisabledAtOnce) {
    const auto told = ctl({"rotate", "--compromised", "--wait", "--json"});
    EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
    EXPECT_FALSE(service.takes(old_key));
    EXPECT_TRUE(told.json()->has("old_key_worked_for_s"));
    expect_second_generation();
}

TEST_F(Control, WhatWasAskedForSurvivesTheServicesAbsenceAndAKill) {
    service.stop();
    const auto told = ctl({"rotate"});
    EXPECT_EQ(told.exit_code, 0) << told.err;
    EXPECT_TRUE(is_asked());
    EXPECT_EQ(ctl({"rotate", "--json"}).field("id"), ctl({"rotate", "--json"}).field("id"));
    EXPECT_EQ(ctl({"take-over"}).exit_code, 75);
    EXPECT_EQ(ctl({"rotate", "--wait", "--timeout", "500ms"}).exit_code, 75);
    daemon->end(SIGKILL);
    EXPECT_EQ(ctl({"status"}).exit_code, 69);
    EXPECT_EQ(ctl({"rotate", "--json"}).field("error"), "not-running");
    service.start(service.authority.issue("127.0.0.1"));
    start_daemon();
    EXPECT_TRUE(fakes::wait_until([&] { return !is_asked(); })) << log();
    expect_second_generation();
    EXPECT_EQ(service.keys().size(), 2U);
}

TEST_F(Control, TakesADeviceOutOfServiceAndBack) {
    EXPECT_EQ(ctl({"recommission"}).exit_code, 10);
    EXPECT_EQ(ctl({"decommission", "--reason", "sold"}).exit_code, 0);
    EXPECT_TRUE(fakes::wait_until([&] { return !is_asked(); })) << log();
    expect_out_of_service();
    const auto told = ctl({"status", "--json"});
    EXPECT_EQ(told.exit_code, 2);
    EXPECT_EQ(told.field("health"), "out-of-service");
    EXPECT_EQ(ctl({"rotate"}).exit_code, 70);
    EXPECT_EQ(ctl({"recommission"}).exit_code, 0);
    EXPECT_EQ(ctl({"wait-ready"}).exit_code, 0);
    expect_second_generation();
}

TEST_F(Control, ReloadTellsWhetherTheSettingsAreGood) {
    EXPECT_EQ(ctl({"reload"}).exit_code, 0);
    const auto before = device.control_socket();
    device.more_lines = "nonsense: 1\n";
    device.write_settings();
    const auto told = ctl({"reload", "--json"});
    EXPECT_EQ(told.exit_code, 78);
    EXPECT_EQ(told.field("error"), "bad-settings");
    EXPECT_EQ(ctl({"status"}).exit_code, 0);
}

TEST_F(Control, UsersWithoutRightsAreRefusedAndLogged) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    const auto status = ctl_as_nobody({"status"}, "daemon");
    EXPECT_EQ(status.exit_code, 77) << status.out << status.err;
    EXPECT_TRUE(status.err.starts_with("not-allowed: ")) << status.err;
    EXPECT_EQ(ctl_as_nobody({"rotate"}, "daemon").exit_code, 77);
    EXPECT_TRUE(logs("control-refused"));
    EXPECT_TRUE(log().contains("verb=status, uid=65534")) << log();
    EXPECT_FALSE(log().contains("verb=rotate")) << "one line for a user in a minute";
    daemon->end(SIGTERM);
    EXPECT_TRUE(log().contains("(count=1, uid=65534)")) << "and what was counted isn't lost";
    EXPECT_FALSE(is_asked());
}

TEST_F(Control, GroupsMayReadOrChange) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    device.control_lines = "  read_group: daemon\n  change_group: bin\n";
    device.write_settings();
    EXPECT_EQ(ctl({"reload"}).exit_code, 0);
    EXPECT_EQ(ctl_as_nobody({"status"}, "daemon").exit_code, 0);
    EXPECT_EQ(ctl_as_nobody({"rotate"}, "daemon").exit_code, 77);
    EXPECT_EQ(ctl_as_nobody({"status"}, "sys").exit_code, 77);
    EXPECT_EQ(ctl_as_nobody({"rotate", "--wait"}, "bin").exit_code, 0);
    expect_second_generation();
}

TEST_F(Control, EndsWith64WhereItIsCalledWrongly) {
    for (const auto& words : {std::vector<std::string>{},
                              {"dance"},
                              {"rotate", "--timeout", "soon"},
                              {"rotate", "--reason", "two\nlines"},
                              {"status", "--wait"}})
        EXPECT_EQ(ctl(words).exit_code, 64);
    EXPECT_TRUE(ctl({"bogus"}).err.contains("bogus"));
    const auto told = ctl({"bogus", "--json"});
    EXPECT_EQ(told.exit_code, 64);
    EXPECT_EQ(told.field("error"), "usage");
    EXPECT_EQ(told.err, "");
    EXPECT_EQ(ctl({"--help"}).exit_code, 0);
    EXPECT_EQ(ctl({"--version"}).out, "devkeyctl " DEVKEY_VERSION "\n");
}

}  // namespace
}  // namespace devkey::e2e
