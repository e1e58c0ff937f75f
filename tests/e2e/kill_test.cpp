// The kill loop: the real devkeyd, killed at every effect of a run, and what it left is looked at: on its
// disk, and by asking the real devkey-server. tools/killtest runs more of it.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <set>

#include "e2e/device.hpp"
#include "e2e/kill_plan.hpp"
#include "e2e/kill_record.hpp"
#include "e2e/life.hpp"
#include "e2e/real_service.hpp"

namespace devkey::e2e {
namespace {

namespace fs = std::filesystem;
using DevicePointer = std::unique_ptr<Device>;

/// What devkeyd is killed in.
enum class Job {
    FirstKey,
    Rotation,    ///< a key that is due: another one in its place, and the old one disabled and removed
    AnswerLost,  ///< the run after one that was killed when the service had made the key, and nobody took it
};

/// Tests run side by side: each takes the kills whose names fall to its part.
struct Part {
    Job job;
    std::size_t number;
};
constexpr std::size_t parts = 4;

/// Of all parts of the job, unless all are asked for: 100 together. A rotation does all that a first key
/// does, and more: it gets a kill in each of its moments.
std::size_t most_kills_in(Job job) {
    return job == Job::FirstKey ? 20 : 80;
}

/// As tools/killtest does.
bool all_are_asked_for() {
    return std::getenv("DEVKEYD_KILLTEST") != nullptr;
}

std::vector<Part> parts_to_run() {
    std::vector<Job> jobs{Job::FirstKey, Job::Rotation};
    if (all_are_asked_for()) jobs.push_back(Job::AnswerLost);
    std::vector<Part> all;
    for (const Job job : jobs)
        for (std::size_t number = 1; number <= parts; ++number) all.push_back({job, number});
    return all;
}

std::string name_of(const Part& part) {
    const char* job = part.job == Job::FirstKey   ? "FirstKey"
                      : part.job == Job::Rotation ? "Rotation"
                                                  : "AnswerLost";
    return job + std::to_string(part.number);
}

/// What GoogleTest, and so ctest, shows of it.
void PrintTo(const Part& part, std::ostream* out) {
    *out << name_of(part);
}

/// Words before a program's: run it under strace, and write the record there. Not with --seccomp-bpf: from
/// its stops no signal is delivered, so that no kill would hit.
std::vector<std::string> traced(const std::string& record_file, const std::vector<std::string>& more) {
    std::vector<std::string> words{"strace",
                                   "-f",
                                   "-y",
                                   "-s",
                                   "0",
                                   "-o",
                                   record_file,
                                   "-E",
                                   "LD_PRELOAD=" AIMABLE,
                                   "-E",  // a traced process can't look for its leaks
                                   "ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

std::vector<std::string> injected(const Aim& aim, const Device& device) {
    std::vector<std::string> words{"-e", "trace=" + aim.syscall, "-e",
                                   "inject=" + aim.syscall + ":signal=KILL:when=" + std::to_string(aim.when)};
    if (!aim.path.empty()) words.insert(words.begin(), {"-P", path_on(aim.path, device.directory.path)});
    return words;
}

struct Traced {
    int exit_code = 0;
    std::string err;
    std::vector<Call> calls;
};

struct KillLoop : testing::TestWithParam<Part> {
    RealService service;
    std::string owner;    // of the last fresh device
    std::string old_key;  // what it had before the job: the id of a key that is to go

    DevicePointer fresh_device() {
        auto device = std::make_unique<Device>(service.url(), service.authority.ca_file());
        owner = service.add_owner();
        old_key.clear();
        device->owner_lines = "  provider: local-userpass\n  username: " + owner + "\n";
        device->secret = service.password;
        device->write_settings();
        return device;
    }

    /// One whose key is older than the shipped policy allows. What is superseded goes at once, so that one
    /// run sees it go, too.
    DevicePointer device_with_an_old_key() {
        auto device = fresh_device();
        fakes::put(device->directory.file("policy.yaml"),
                   "version: 1\nsuperseded: {keep_enabled: 0s, then: disable, delete_after: 0s}\n");
        device->more_lines = "policy: policy.yaml\n";
        device->write_settings();
        const auto run = device->once();
        if (run.exit_code != 0) throw std::runtime_error("no first key: " + run.err);
        old_key = device->credential("key_id");
        age(*device, std::chrono::days{31});
        return device;
    }
    static void age(const Device& device, core::Millis by) {
        fakes::put(device.state_directory() + "/state.json", aged(device.state_text(), by));
    }

    static Traced run_traced(Device& device, const std::vector<std::string>& more) {
        const auto file = device.directory.file("record");
        const auto run = device.once(traced(file, more));
        return {run.exit_code, run.err, parse_record(fakes::content_of(file), device.directory.path)};
    }

    /// What a run of the job does, when nothing disturbs it. One run in some hundreds reads a little more or
    /// less (of /dev/urandom, say), and would make every kill miss: two in a row have to agree.
    Plan planned(const std::function<DevicePointer()>& ready_device) {
        auto plan = planned_once(ready_device);
        for (int more = 0; more < 5; ++more) {
            auto again = planned_once(ready_device);
            if (std::ranges::equal(plan.aims, again.aims, is_same_kill)) return again;
            plan = std::move(again);
        }
        throw std::runtime_error("no two runs make the same calls");
    }
    static Plan planned_once(const std::function<DevicePointer()>& ready_device) {
        const auto device = ready_device();
        const auto run = run_traced(*device, {});
        EXPECT_EQ(run.exit_code, 0) << run.err;
        return plan_kills(run.calls);
    }

    /// A ready device whose run died at the aim; none if none did in three tries, since a run isn't always
    /// the same to the call.
    DevicePointer killed_at(const Aim& aim, const std::function<DevicePointer()>& ready_device) {
        for (int attempt = 0; attempt < 3; ++attempt) {
            auto device = ready_device();
            const auto run = run_traced(*device, injected(aim, *device));
            if (run.exit_code == -SIGKILL && ends_at(run.calls, aim)) return device;
            std::cout << "missed " << aim.name() << ", ended with " << run.exit_code << '\n' << run.err;
        }
        return nullptr;
    }

    void expect_promises_kept(const Device& device) {
        expect_files_are_whole(device);
        if (device.has_credential()) {
            EXPECT_TRUE(service.takes(device.credential("key"))) << "promise 1";
        }
        const auto state = device.state_text();
        const auto keys = service.keys(owner);
        EXPECT_LE(keys.size(), old_key.empty() ? 1U : 2U) << "promise 2: more than one stray";
        for (const auto& key : keys)
            EXPECT_TRUE(state.contains('"' + key.name + '"')) << "promise 2: nobody knows of " << key.name;
    }

    /// Promise 4, and the same of the state.
    static void expect_files_are_whole(const Device& device) {
        if (fs::exists(device.state_directory() + "/state.json")) {
            EXPECT_NO_THROW(Poco::JSON::Parser().parse(device.state_text()))
                << "promise 4: the state is torn";
        }
        for (const auto& file : {device.directory.path, device.state_directory()})
            for (const auto& entry : fs::directory_iterator(file))
                expect_is_ours_alone(entry.path().string());
        if (!device.has_credential()) return;
        EXPECT_NO_THROW(EXPECT_FALSE(device.credential("key").empty()))
            << "promise 4: the credential is torn";
    }
    /// Of the files that devkeyd writes, also of those that didn't get their name yet.
    static void expect_is_ours_alone(const std::string& path) {
        if (!path.contains("credential.json") && !path.contains("state.json")) return;
        struct stat facts{};
        ASSERT_EQ(::lstat(path.c_str(), &facts), 0) << path;
        EXPECT_EQ(facts.st_mode & 07777U, 0600U) << "promise 4: " << path;
    }

    void expect_healthy_run(Device& device) {
        const auto run = device.once();
        EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
        expect_promises_kept(device);
    }
    void expect_next_run_recovers(Device& device) {
        const auto published = device.has_credential() ? device.credential("key_id") : "";
        expect_healthy_run(device);
        auto keys = service.keys(owner);
        // The service tells the time in whole seconds: the old key's time may not have come yet.
        if (std::ranges::find(keys, old_key, &ListedKey::id) != keys.end()) {
            age(device, std::chrono::minutes{1});
            expect_healthy_run(device);
            keys = service.keys(owner);
        }
        ASSERT_EQ(keys.size(), 1U) << "a stray was left";
        EXPECT_EQ(keys[0].id, device.credential("key_id"));
        EXPECT_EQ(keys[0].name, device.credential("key_name"));
        EXPECT_TRUE(keys[0].enabled);
        EXPECT_NE(keys[0].id, old_key) << "the rotation was given up";
        if (!published.empty() && published != old_key) {
            EXPECT_EQ(keys[0].id, published) << "promise 1: what was published works no more";
        }
        for (const auto& file : {device.directory.path, device.state_directory()})
            for (const auto& entry : fs::directory_iterator(file))
                EXPECT_FALSE(entry.path().string().ends_with(".devkeyd-new")) << entry.path();
    }

    void kill_and_recover(const Aim& aim, const std::function<DevicePointer()>& ready_device) {
        const testing::ScopedTrace trace(__FILE__, __LINE__, "killed at " + aim.name());
        try {
            const auto device = killed_at(aim, ready_device);
            ASSERT_TRUE(device) << "the kill never hit";
            expect_promises_kept(*device);
            expect_next_run_recovers(*device);
        } catch (const std::exception& error) {
            ADD_FAILURE() << error.what();
        }
    }

    /// How to make a device whose next run is the job.
    std::function<DevicePointer()> ready_for(Job job) {
        const auto fresh = [this] { return fresh_device(); };
        if (job == Job::FirstKey) return fresh;
        if (job == Job::Rotation) return [this] { return device_with_an_old_key(); };
        const auto losing = aim_that_loses_the_answer(fresh);
        return [this, fresh, losing]() -> DevicePointer {
            auto device = killed_at(losing, fresh);
            if (!device || !fakes::wait_until([&] { return service.keys(owner).size() == 1; }))
                throw std::runtime_error("no answer was lost at " + losing.name());
            return device;
        };
    }
    /// The first kill that leaves a key whose secret nobody has.
    Aim aim_that_loses_the_answer(const std::function<DevicePointer()>& fresh) {
        for (const auto& aim : planned(fresh).aims) {
            const auto device = killed_at(aim, fresh);
            if (device && !service.keys(owner).empty()) return aim;
        }
        throw std::runtime_error("no kill loses an answer");
    }
};

TEST_P(KillLoop, KeepsThePromises) {
    const auto ready_device = ready_for(GetParam().job);
    const auto plan = planned(ready_device);
    EXPECT_EQ(plan.unhit, std::vector<std::string>{}) << "effects that no kill can be aimed at";
    const auto aims =
        choose(plan.aims, all_are_asked_for() ? plan.aims.size() : most_kills_in(GetParam().job));
    std::size_t kills = 0;
    for (const auto& aim : aims) {
        // By its name: each test records a run of its own, and another run's 17th call may be another one.
        if (std::hash<std::string>()(aim.name()) % parts + 1 != GetParam().number) continue;
        kill_and_recover(aim, ready_device);
        ++kills;
    }
    EXPECT_GT(kills, 0U);
    std::cout << "kill loop: " << name_of(GetParam()) << ": " << kills << " of " << plan.aims.size()
              << " places to kill at\n";
}

INSTANTIATE_TEST_SUITE_P(AtEveryEffect, KillLoop, testing::ValuesIn(parts_to_run()),
                         [](const auto& part) { return name_of(part.param); });

}  // namespace
}  // namespace devkey::e2e
