// What monitoring reads: the file of the real daemon, and the same by devkeyctl.
#include <sys/stat.h>

#include "e2e/device.hpp"
#include "e2e/service.hpp"

namespace devkey::e2e {
namespace {

struct MetricsTextfile : testing::Test {
    void SetUp() override {
        std::filesystem::create_directory(folder);
        device.more_lines = "metrics:\n  textfile: " + file + "\n";
        device.write_settings();
    }
    [[nodiscard]] std::string by_devkeyctl() {
        fakes::Process process({DEVKEYCTL, "--socket", device.control_socket(), "metrics"},
                               device.next_output());
        EXPECT_EQ(process.wait(), 0) << process.errors();
        return process.output();
    }

    Service service;
    Device device{service.url(), service.authority.ca_file()};
    std::string folder = device.directory.file("node-exporter");
    std::string file = folder + "/devkeyd.prom";
};

TEST_F(MetricsTextfile, HoldsTheStatusForEverybodyAndNoSecret) {
    Daemon daemon(device);
    ASSERT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    const auto text = fakes::content_of(file);
    EXPECT_TRUE(text.contains("devkeyd_health{state=\"healthy\"} 1\n")) << text;
    EXPECT_TRUE(text.contains("devkeyd_key_generation 1\n")) << text;
    EXPECT_TRUE(text.contains("devkeyd_owner_keys 1\n")) << text;
    struct stat facts{};
    ASSERT_EQ(::stat(file.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0644U);
    // Another pass may come between, when the new credential file is noticed.
    EXPECT_TRUE(fakes::wait_until([&] { return by_devkeyctl() == fakes::content_of(file); }));
    EXPECT_FALSE(text.contains(device.credential("key")));
    EXPECT_FALSE(text.contains(device.secret));
}

TEST_F(MetricsTextfile, ThatCannotBeWrittenIsToldOnceAndTriedAgain) {
    std::filesystem::remove(folder);
    Daemon daemon(device);
    ASSERT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    for (int i = 0; i < 2; ++i) {
        daemon.process().signal(SIGHUP);
        ASSERT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    }
    const auto log = daemon.process().errors();
    const auto first = log.find("metrics-not-written: metrics.textfile: " + file + ": ");
    ASSERT_NE(first, std::string::npos) << log;
    EXPECT_EQ(log.find("metrics-not-written", first + 1), std::string::npos) << log;
    std::filesystem::create_directory(folder);
    daemon.process().signal(SIGHUP);
    EXPECT_TRUE(fakes::wait_until([&] { return std::filesystem::exists(file); }));
}

TEST_F(MetricsTextfile, OfARunWithOnceTellsOfAFailure) {
    device.secret = "wrong";
    device.write_settings();
    EXPECT_EQ(device.once().reason, "owner-refused");
    const auto text = fakes::content_of(file);
    EXPECT_TRUE(text.contains("devkeyd_health{state=\"failing\"} 1\n")) << text;
    EXPECT_TRUE(text.contains("devkeyd_reason_info{reason=\"owner-refused\"} 1\n")) << text;
}

TEST_F(MetricsTextfile, ThatTheSettingsNoLongerNameIsRemoved) {
    Daemon daemon(device);
    ASSERT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    device.more_lines = "";
    device.write_settings();
    daemon.process().signal(SIGHUP);
    EXPECT_TRUE(fakes::wait_until([&] { return !std::filesystem::exists(file); }));
}

}  // namespace
}  // namespace devkey::e2e
