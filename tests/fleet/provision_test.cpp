// Forty devices of three owners get their keys, though whoever provisions them is stopped again and again.
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

#include "fleet/fleet.hpp"

namespace devkey::fleet {
namespace {

struct Provision : Fleet {
    [[nodiscard]] std::ptrdiff_t creates() const {
        const std::string line = "POST /api/client/v2.0/auth/api_keys 201";
        const auto text = log();
        std::ptrdiff_t count = 0;
        for (auto at = text.find(line); at != std::string::npos; at = text.find(line, at + 1)) ++count;
        return count;
    }
    /// Whether so many results are there before the script ends.
    [[nodiscard]] bool reaches(const Script& script, std::size_t count) const {
        const auto over = [&] { return result_count() >= count || !script.is_running(); };
        while (!over()) fakes::wait_until(over);
        return result_count() >= count;
    }
    void expect_no_secret_was_seen() const {
        const auto seen = fakes::content_of(directory.file("seen"));
        EXPECT_TRUE(seen.contains("press-40"));
        EXPECT_FALSE(seen.contains(password));
        for (const auto& name : names)
            EXPECT_FALSE(fakes::content_of(results() + "/" + name + ".json").contains(password));
    }
    void expect_modes(const std::string& name) const {
        for (const auto& [file, mode] :
             {std::pair{"devkeyd.yaml", 0640U}, {"policy.yaml", 0640U}, {"owner-secret", 0600U}}) {
            struct stat facts{};
            EXPECT_EQ(::stat((folder(name) + "/etc/" + file).c_str(), &facts), 0) << file;
            EXPECT_EQ(facts.st_mode & 07777U, mode) << file;
        }
        EXPECT_EQ(fakes::content_of(folder(name) + "/etc/owner-secret"), password);
    }
    void leave_a_dead_lock() const { leave_a_lock(99999999, host()); }
    void leave_a_lock(int process, const std::string& host) const {
        std::filesystem::create_directories(results());
        std::filesystem::remove(results() + "/.lock");
        std::filesystem::create_symlink(std::to_string(process) + "@" + host, results() + "/.lock");
    }
    static std::string host() {
        utsname names{};
        return ::uname(&names) == 0 ? static_cast<const char*>(names.nodename) : "";
    }
    void expect_locked_out(Script& script, const std::string& holder) const {
        const auto refused = script.finish();
        EXPECT_EQ(refused.exit_code, 75) << refused.out;
        EXPECT_TRUE(refused.err.contains("process " + holder + " works with")) << refused.err;
        EXPECT_TRUE(refused.err.contains("remove " + results() + "/.lock")) << refused.err;
        EXPECT_EQ(result_count(), 0U);
        EXPECT_TRUE(std::filesystem::is_symlink(results() + "/.lock"));
    }
    void expect_three_healthy() {
        const auto told = run({"status", inventory(), "--json"}).json();
        EXPECT_EQ(told->getValue<int>("healthy"), 3);
        const auto device = told->getArray("devices")->getObject(2);
        EXPECT_EQ(device->getValue<std::string>("device"), "press-03");
        EXPECT_EQ(device->getObject("status")->getObject("key")->getValue<int>("generation"), 1);
    }
    void expect_all_healthy() {
        const auto table = run({"status", inventory()});
        EXPECT_EQ(table.exit_code, 0) << table.out << table.err;
        EXPECT_TRUE(table.out.starts_with("DEVICE  ")) << table.out;
        EXPECT_TRUE(table.out.contains("\npress-17  ")) << table.out;
        EXPECT_TRUE(table.out.ends_with("\n40 of 40 are healthy\n")) << table.out;
    }
};

TEST_F(Provision, OfFortyDevicesStoppedInTheMiddleMintsNothingTwice) {
    make(40, 3);
    auto killed = begin(provisioning());
    ASSERT_TRUE(reaches(*killed, 5));
    killed->kill_group();
    killed->finish();

    auto interrupted = begin(provisioning());
    ASSERT_TRUE(reaches(*interrupted, 20));
    interrupted->signal(SIGTERM);  // a SIGINT may be ignored here: by whoever runs tests in the background
    const auto told = interrupted->finish();
    EXPECT_EQ(told.exit_code, 143) << told.out << told.err;
    EXPECT_TRUE(told.err.contains("run it again to go on")) << told.err;
    ASSERT_LT(result_count(), 40U);

    const auto last = run(provisioning({"--json"}));
    EXPECT_EQ(last.exit_code, 0) << last.out << last.err;
    EXPECT_EQ(last.json()->getValue<int>("ready"), 40);
    EXPECT_EQ(last.json()->getArray("devices")->size(), 40U);
    EXPECT_EQ(keys(), each(1));
    EXPECT_EQ(creates(), 40);
    EXPECT_EQ(word("press-01", "result"), "ready");
    EXPECT_EQ(word("press-01", "detail"), "it was already");
    expect_modes("press-40");
    expect_no_secret_was_seen();
    expect_all_healthy();
}

TEST_F(Provision, PushesAgainWhatIsNotDone) {
    make(3, 1);
    std::filesystem::rename(folder("press-02"), folder("away"));
    fakes::put(folder("press-03") + "/broken", "");
    const auto first = run(provisioning());
    EXPECT_EQ(first.exit_code, 1) << first.err;
    EXPECT_EQ(word("press-01", "result"), "ready");
    EXPECT_EQ(word("press-02", "result"), "unreachable");
    EXPECT_EQ(word("press-02", "detail"), "press-02: no route to host");
    EXPECT_EQ(word("press-03", "result"), "not-started");
    EXPECT_EQ(word("press-03", "detail"), "Failed to start devkeyd.service");

    const auto table = run({"status", inventory()});
    EXPECT_EQ(table.exit_code, 2) << table.out;
    EXPECT_TRUE(table.out.contains("unreachable")) << table.out;
    EXPECT_TRUE(table.out.contains("not-running")) << table.out;

    std::filesystem::rename(folder("away"), folder("press-02"));
    std::filesystem::remove(folder("press-03") + "/broken");
    // Other settings are brought to a device that is done, too.
    const auto policy = fakes::content_of(directory.file("policy.yaml"));
    directory.write("policy.yaml", policy + "rotate: {after: 20d}\n");
    const auto second = run(provisioning());
    EXPECT_EQ(second.exit_code, 0) << second.out << second.err;
    expect_three_healthy();
    EXPECT_TRUE(fakes::content_of(folder("press-01") + "/etc/policy.yaml").contains("20d"));
    EXPECT_EQ(keys(), each(1));
}

TEST_F(Provision, WrongSettingsAndSecretsAreTold) {
    make(2, 2);
    directory.write("owner-1.yaml", "version: 1\nnonsense: 1\n");
    directory.write("owner-2.secret", "not the password");
    const auto told = run(provisioning({"--timeout", "5s"}));
    EXPECT_EQ(told.exit_code, 1) << told.out;
    EXPECT_EQ(word("press-01", "result"), "bad-settings");
    EXPECT_EQ(result("press-01")->getValue<int>("exit_code"), 78);
    EXPECT_TRUE(word("press-01", "detail").contains("devkeyd.yaml")) << word("press-01", "detail");
    EXPECT_EQ(word("press-02", "result"), "not-ready");
    EXPECT_TRUE(
        fakes::wait_until([&] { return run({"status", inventory()}).out.contains("owner-refused"); }));
    EXPECT_TRUE(keys().empty());
}

TEST_F(Provision, OneAtATimeWorksWithTheSameResults) {
    make(1, 1);
    leave_a_lock(::getpid(), host());
    expect_locked_out(*begin(provisioning()), std::to_string(::getpid()) + " on " + host());
    leave_a_lock(99999999, "another");
    expect_locked_out(*begin(provisioning()), "99999999 on another");
    leave_a_dead_lock();
    provision();
    EXPECT_FALSE(std::filesystem::is_symlink(results() + "/.lock"));
}

// Of such a process, kill says no, too. Started by root, it is seen without root's right to signal it.
TEST_F(Provision, AnotherUsersLockIsNotADeadOnes) {
    make(1, 1);
    const bool is_root = ::geteuid() == 0;
    const fakes::Process other({"sleep", "600"}, directory.file("other"), {},
                               [] { return ::geteuid() != 0 || ::setuid(65534) == 0; });
    // Its user is another one when it has become `sleep`.
    ASSERT_TRUE(fakes::wait_until(
        [&] { return fakes::content_of("/proc/" + std::to_string(other.pid()) + "/comm") == "sleep\n"; }));
    const int holder = is_root ? other.pid() : 1;
    leave_a_lock(holder, host());
    Script script({DEVKEY_SOURCE_DIR "/tools/fleet/provision", inventory()}, directory.file("locked-out"),
                  {"FLEET_SSH=false", "TMPDIR=" + temporary()},
                  [] { return ::geteuid() != 0 || ::prctl(PR_CAPBSET_DROP, CAP_KILL) == 0; });
    expect_locked_out(script, std::to_string(holder) + " on " + host());
}

// Each looks whether another is at work beside it.
TEST_F(Provision, OfManyThatTakeADeadOnesPlaceOneDoes) {
    make(1, 1);
    directory.write("alone",
                    "#!/bin/sh\nmkdir \"$FLEET_DEVICES/one\" || { echo >\"$FLEET_DEVICES/two\"; exit 255; }\n"
                    "rmdir \"$FLEET_DEVICES/one\"\nexit 255\n",
                    0700);
    for (int round = 0; round < 5; ++round) {
        leave_a_dead_lock();
        std::vector<std::unique_ptr<Script>> scripts;
        for (int at = 0; at < 6; ++at)
            scripts.push_back(begin(provisioning({"--ssh", directory.file("alone")})));
        int done = 0;
        for (auto& script : scripts) {
            const auto told = script->finish();
            EXPECT_TRUE(told.exit_code == 1 || told.exit_code == 75) << told.exit_code << told.err;
            done += told.exit_code == 1 ? 1 : 0;
        }
        EXPECT_GE(done, 1);
    }
    EXPECT_FALSE(std::filesystem::exists(devices() + "/two"));
}

// `status | head`: the shell of status is ended by the system when it writes.
TEST_F(Provision, AScriptThatNobodyListensToLeavesNothingBehind) {
    make(1, 1);
    fakes::Process process(
        {"/bin/sh", "-c",
         "cd \"$0\"; { until [ -e closed ]; do sleep 0.05; done; \"$1\" inventory; echo $? >ended; } | "
         "{ exec <&-; : >closed; }",
         directory.path, DEVKEY_SOURCE_DIR "/tools/fleet/status"},
        directory.file("unheard"), {"FLEET_SSH=false", "TMPDIR=" + temporary()});
    EXPECT_EQ(process.wait(), 0);
    EXPECT_TRUE(fakes::wait_until([&] { return std::filesystem::exists(directory.file("ended")); }));
    EXPECT_EQ(fakes::content_of(directory.file("ended")), "141\n");
    EXPECT_TRUE(std::filesystem::is_empty(temporary()));
}

}  // namespace
}  // namespace devkey::fleet
