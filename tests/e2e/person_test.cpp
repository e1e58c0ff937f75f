// What a person asks about the key in use, and the programs that are told: with the real programs.
#include "e2e/ctl.hpp"

namespace devkey::e2e {
namespace {

/// A device with its second key; the first is in its grace.
struct Person : Ctl {
    void SetUp() override {
        Ctl::SetUp();
        start_ready();
        EXPECT_EQ(ctl({"rotate", "--wait"}).exit_code, 0);
        new_key = device.credential("key");
    }
    [[nodiscard]] bool settles() {
        return fakes::wait_until([&] { return !is_asked(); });
    }
    [[nodiscard]] std::string health() { return ctl({"status", "--json"}).field("health"); }
    std::string new_key;
};

TEST_F(Person, RollsBackOnceAndNoFurther) {
    const auto told = ctl({"rollback", "--wait", "--reason", "the new one breaks things"});
    EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
    EXPECT_EQ(device.credential("key"), old_key);
    EXPECT_TRUE(service.takes(old_key));
    EXPECT_TRUE(service.takes(new_key)) << "it has its grace";
    EXPECT_EQ(ctl({"rollback", "--wait"}).exit_code, 10);
    EXPECT_TRUE(ctl({"history"}).out.contains("why=the new one breaks things"));
    EXPECT_FALSE(ctl({"status", "--json"}).out.contains(new_key));
}

TEST_F(Person, ARollbackToAKeyThatIsGoneIsTold) {
    for (const auto& key : service.keys()) {
        if (key.name == old_name) {
            ASSERT_TRUE(service.store->remove_key(key.id));
        }
    }
    const auto told = ctl({"rollback", "--wait", "--json"});
    EXPECT_EQ(told.exit_code, 70) << told.out;
    EXPECT_EQ(told.field("error"), "not-done");
    EXPECT_EQ(device.credential("key"), new_key);
}

TEST_F(Person, DisablesAndEnables) {
    EXPECT_EQ(ctl({"disable", "--wait"}).exit_code, 0);
    EXPECT_FALSE(service.takes(new_key));
    EXPECT_TRUE(fakes::wait_until([&] { return !service.takes(old_key); })) << "nor does an old one work";
    EXPECT_EQ(health(), "failing");
    EXPECT_EQ(ctl({"disable"}).exit_code, 10);
    EXPECT_EQ(ctl({"rollback"}).exit_code, 70);
    EXPECT_EQ(ctl({"enable", "--wait"}).exit_code, 0);
    EXPECT_TRUE(service.takes(new_key));
    EXPECT_EQ(ctl({"enable"}).exit_code, 10);
    EXPECT_EQ(ctl({"disable", "--generation", "1"}).exit_code, 10);
}

TEST_F(Person, AcknowledgesTheNewKey) {
    EXPECT_TRUE(service.takes(old_key));
    EXPECT_EQ(ctl({"ack", "--wait"}).exit_code, 0);
    EXPECT_TRUE(fakes::wait_until([&] { return !service.takes(old_key); })) << log();
    EXPECT_EQ(ctl({"ack"}).exit_code, 10);
    EXPECT_TRUE(service.takes(new_key));
}

TEST_F(Person, PausesAndResumesAlsoAcrossARestart) {
    EXPECT_EQ(ctl({"resume"}).exit_code, 10);
    EXPECT_EQ(ctl({"pause", "--for", "31d"}).exit_code, 64);
    EXPECT_EQ(ctl({"pause", "--for", "4h"}).exit_code, 0);
    EXPECT_TRUE(settles()) << log();
    EXPECT_EQ(ctl({"status", "--json"}).field("reason"), "paused");
    start_daemon();
    EXPECT_EQ(ctl({"wait-ready"}).exit_code, 0);
    EXPECT_TRUE(fakes::wait_until([&] { return ctl({"status", "--json"}).field("reason") == "paused"; }));
    EXPECT_EQ(health(), "degraded");
    const auto history = ctl({"history"}).out;
    for (const char* said : {" asked: ", " pause-asked: "}) {
        const auto at = history.find(said);
        ASSERT_NE(at, std::string::npos) << history;
        EXPECT_TRUE(history.substr(history.rfind(said), 300).contains("until=20")) << history;
    }
    EXPECT_EQ(ctl({"rotate", "--wait"}).exit_code, 0) << "a person is obeyed";
    EXPECT_EQ(ctl({"resume"}).exit_code, 0);
    EXPECT_TRUE(fakes::wait_until([&] { return health() == "healthy"; })) << log();
}

TEST_F(Person, ListsTheKeysAsTheServiceHasThem) {
    const auto told = ctl({"list"});
    EXPECT_EQ(told.exit_code, 0) << told.err;
    EXPECT_TRUE(told.out.contains(old_name)) << told.out;
    EXPECT_TRUE(told.out.contains("in use, enabled")) << told.out;
    EXPECT_TRUE(told.out.contains("owner's keys: 2 of 20 taken")) << told.out;
    EXPECT_EQ(ctl({"list", "--json"}).json()->getObject("slots")->getValue<int>("taken"), 2);
}

TEST_F(Person, TellsVersions) {
    EXPECT_TRUE(ctl({"version"}).out.contains("devkeyd " DEVKEY_VERSION " runs"));
    daemon.reset();
    EXPECT_EQ(ctl({"version", "--json"}).field("devkeyctl"), DEVKEY_VERSION);
}

/// A hook that writes down what it was told, and fails while a file says so.
struct Hooked : Ctl {
    void have_hook(const std::string& more) {
        hook = device.directory.file("hook");
        fakes::put(hook, "#!/bin/sh\nenv >>" + device.directory.file("told") +
                             "\ncat /dev/stdin >&2\n[ ! -e " + device.directory.file("broken") + " ]\n");
        ::chmod(hook.c_str(), 0700);
        set_policy("hooks: {after_publish: {run: [" + hook + "]" + more + "}}\n");
        start_ready();
    }
    [[nodiscard]] std::string told() const { return fakes::content_of(device.directory.file("told")); }
    std::string hook;
};

TEST_F(Hooked, IsToldInACleanEnvironmentAndNeverTheKeysValue) {
    have_hook("");
    EXPECT_EQ(ctl({"rotate", "--wait"}).exit_code, 0);
    EXPECT_TRUE(fakes::wait_until([&] { return told().contains("DEVKEYD_GENERATION=2"); })) << log();
    EXPECT_TRUE(told().contains("DEVKEYD_CREDENTIAL_FILE=" + device.credential_file()));
    EXPECT_TRUE(told().contains("DEVKEYD_HOOK=after_publish"));
    for (const auto& secret : {old_key, device.credential("key"), device.secret})
        EXPECT_FALSE(told().contains(secret));
    EXPECT_FALSE(told().contains("NOTIFY_SOCKET"));
    EXPECT_FALSE(told().contains("HOME="));
}

TEST_F(Hooked, ThatIsRequiredAndKeepsFailingGoesBackToTheKeyBefore) {
    have_hook(", required: true");
    EXPECT_TRUE(fakes::wait_until([&] { return told().contains("DEVKEYD_GENERATION=1"); })) << log();
    fakes::put(device.directory.file("broken"), "");
    EXPECT_EQ(ctl({"rotate", "--wait"}).exit_code, 0);
    // 2, 4, 8 and 16 seconds lie between its tries: who asks for it has it run again at once.
    EXPECT_TRUE(fakes::wait_until([&] {
        static_cast<void>(ctl({"reload"}));
        return device.credential("key") == old_key;
    })) << log();
    EXPECT_TRUE(service.takes(old_key));
    EXPECT_TRUE(ctl({"history"}).out.contains("hook-keeps-failing")) << ctl({"history"}).out;
    EXPECT_EQ(service.keys().size(), 2U);
}

}  // namespace
}  // namespace devkey::e2e
