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
