// Many devices of one owner, who may have twenty keys: a month in a minute, and what happens when there is no
// room.
#include <sysexits.h>

#include <map>
#include <span>

#include "core/time.hpp"
#include "e2e/device.hpp"
#include "e2e/service.hpp"

namespace devkey::e2e {
namespace {

using namespace std::chrono_literals;
using core::Millis;
using fakes::wait_until;

/// Devices of one owner. Their daemons run without a socket: nothing that they tell makes them wait for us.
struct OneOwner : testing::Test {
    /// `policy` without its version.
    void add_devices(std::size_t count, const std::string& policy) {
        while (devices.size() < count) {
            auto& device =
                *devices.emplace_back(std::make_unique<Device>(service.url(), service.authority.ca_file()));
            device.device_id = "{literal: bench-" + std::to_string(devices.size()) + "}";
            fakes::put(device.directory.file("policy.yaml"), "version: 1\n" + policy);
            device.more_lines = "policy: policy.yaml\n";
            device.write_settings();
        }
    }
    fakes::Process& start(Device& device) {
        return *daemons.emplace_back(
            std::make_unique<fakes::Process>(device.words({}), device.next_output()));
    }
    /// Waits until its log has it.
    [[nodiscard]] static bool logs(const fakes::Process& daemon, const std::string& text) {
        return wait_until([&] { return daemon.errors().contains(text) || !daemon.is_running(); }) &&
               daemon.errors().contains(text);
    }
    /// What the credential file holds logs in. One that was replaced while it was tried may have ended its
    /// grace.
    [[nodiscard]] bool has_working_key(const Device& device) const {
        const auto secret = device.credential("key");
        return service.takes(secret) || secret != device.credential("key");
    }

    Service service;
    std::vector<std::unique_ptr<Device>> devices;
    std::vector<std::unique_ptr<fakes::Process>> daemons;
};

// ---- eighteen devices, which share two slots for their rotations

struct Rotation : OneOwner {
    /// When the key of that generation was made; none: it isn't published (yet, or any more).
    static std::optional<core::Instant> made_at(const Device& device, const std::string& generation) {
        const auto read = Poco::JSON::Parser()
                              .parse(fakes::content_of(device.credential_file()))
                              .extract<Poco::JSON::Object::Ptr>();
        if (read->getValue<std::string>("generation") != generation) return std::nullopt;
        return core::parse_instant(read->getValue<std::string>("created_at")).value();
    }
    /// When each device's key of that generation was made. Meanwhile none is ever without a working key.
    std::vector<core::Instant> see_all(const std::string& generation, Millis within) {
        std::map<const Device*, core::Instant> made;
        const auto end = std::chrono::steady_clock::now() + within;
        while (made.size() < devices.size() && std::chrono::steady_clock::now() < end) {
            for (const auto& device : devices) {
                if (!device->has_credential()) continue;
                EXPECT_TRUE(has_working_key(*device)) << device->device_id;
                if (const auto at = made_at(*device, generation)) made.try_emplace(device.get(), *at);
            }
            std::this_thread::sleep_for(100ms);
        }
        EXPECT_EQ(made.size(), devices.size()) << "not each has generation " << generation;
        std::vector<core::Instant> all;
        for (const auto& device : devices) all.push_back(made[device.get()]);
        return all;
    }
};

// The shipped policy, with a day in three seconds. Only a free slot isn't looked for more often than once a
// second, which is eight hours here and one there (there tools/simulate tells of a fleet with --per-owner
// 18): each of the eighteen that share two slots may add that much to the queue.
TEST_F(Rotation, OfEighteenDevicesWithTwentySlotsComesToEachInItsTime) {
    constexpr Millis after = 90s;
    constexpr Millis looks = 18 * 1s / 2;
    add_devices(18,
                "rotate: {after: 90s}\nverify: {patience: 2s}\n"
                "superseded: {keep_enabled: 3s, then: disable, delete_after: 21s}\n"
                "watchdog: {key_login: {every: 1s}, key_listed: {every: 3s}}\n");
    for (auto& device : devices) start(*device);
    const auto first = see_all("1", 60s);
    const auto second = see_all("2", after * 2);
    for (std::size_t at = 0; at < devices.size(); ++at) {
        // The service tells the time in whole seconds.
        EXPECT_GE(second[at] - first[at], after * 8 / 10 - 1s) << daemons[at]->errors();
        EXPECT_LE(second[at] - first[at], after * 12 / 10 + looks + 1s) << daemons[at]->errors();
        EXPECT_TRUE(daemons[at]->is_running());
    }
    EXPECT_EQ(service.count_of("POST api_keys 201"), 36U);
    // In the end the old ones are gone.
    EXPECT_TRUE(wait_until([&] { return service.keys().size() == 18; }));
    for (const auto& device : devices) EXPECT_TRUE(has_working_key(*device)) << device->device_id;
}

// ---- twenty devices and one more

/// Twenty devices with a key each: the owner can have no other.
struct FullQuota : OneOwner {
    void SetUp() override {
        // So a free slot is looked for each second.
        add_devices(21, "rotate: {after: 12m}\nsuperseded: {keep_enabled: 5m, delete_after: 1h}\n");
        for (auto& device : holders()) {
            const auto run = device->once();
            ASSERT_EQ(run.exit_code, 0) << run.err << run.out;
        }
        expect_every_key_kept();
    }
    [[nodiscard]] std::span<const std::unique_ptr<Device>> holders() const {
        return std::span(devices).first(20);
    }
    [[nodiscard]] Device& late_one() const { return *devices.back(); }
    void expect_every_key_kept() const {
        EXPECT_EQ(service.keys().size(), 20U);
        for (const auto& device : holders()) EXPECT_TRUE(service.takes(device->credential("key")));
    }
};

TEST_F(FullQuota, LeavesTheNextDeviceWaitingAndSaysForWhom) {
    const auto run = late_one().once();
    EXPECT_EQ(run.exit_code, EX_TEMPFAIL) << run.err << run.out;
    EXPECT_EQ(run.reason, "quota-full") << run.out;
    EXPECT_FALSE(run.changed);
    EXPECT_NE(run.out.find("the owner has 20 of 20 keys (1 of device bench-1, "), std::string::npos)
        << run.out;
    EXPECT_NE(run.out.find(" and 15 devices more): remove one that isn't needed"), std::string::npos)
        << run.out;
    EXPECT_FALSE(late_one().has_credential());
    expect_every_key_kept();
    EXPECT_EQ(service.count_of("POST api_keys 201"), 20U);
    EXPECT_EQ(service.count_of("POST api_keys 400"), 0U) << "it counts before it asks";
}

TEST_F(FullQuota, LetsNobodyRotateAndNobodyLoseItsKey) {
    auto& asked = *devices[1];
    auto& daemon = start(asked);
    ASSERT_TRUE(logs(daemon, "healthy")) << daemon.errors();
    daemon.signal(SIGUSR1);
    ASSERT_TRUE(logs(daemon, "quota-full")) << daemon.errors();
    EXPECT_EQ(asked.credential("generation"), "1");
    expect_every_key_kept();
}

TEST_F(FullQuota, GivesTheNextDeviceItsKeyOnceAnotherLeaves) {
    auto& daemon = start(late_one());
    ASSERT_TRUE(logs(daemon, "quota-full")) << daemon.errors();
    EXPECT_EQ(devices.front()->run("--decommission").exit_code, 0);
    ASSERT_TRUE(wait_until([&] { return late_one().has_credential(); })) << daemon.errors();
    EXPECT_TRUE(service.takes(late_one().credential("key")));
    EXPECT_EQ(service.keys().size(), 20U);
    for (const auto& device : holders().subspan(1)) EXPECT_TRUE(service.takes(device->credential("key")));
}

}  // namespace
}  // namespace devkey::e2e
