// The first key, from nothing, by the real devkeyd over TLS.
#include <gtest/gtest.h>

#include "e2e/device.hpp"
#include "e2e/service.hpp"

namespace devkey::e2e {
namespace {

using testing::Test;

struct FirstKey : Test {
    Service service;
    Device device{service.url(), service.authority.ca_file()};
};

TEST_F(FirstKey, TakesSevenRequestsAndARestartNone) {
    device.write_settings();
    const auto first = device.once();
    ASSERT_EQ(first.exit_code, 0) << first.err << first.out;
    EXPECT_TRUE(first.changed);
    EXPECT_TRUE(service.takes(device.credential("key")));
    EXPECT_EQ(service.key_names(), std::vector{device.credential("key_name")});
    EXPECT_EQ(service.served().size(), 7U);

    const auto second = device.once();
    EXPECT_EQ(second.exit_code, 0) << second.err;
    EXPECT_FALSE(second.changed);
    EXPECT_EQ(service.served().size(), 7U);
}

TEST_F(FirstKey, ByTheDaemonMakesItReady) {
    device.write_settings();
    Daemon daemon(device);
    EXPECT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    // READY comes a little before or after, as the watch on the new file has it.
    EXPECT_TRUE(fakes::wait_until([&] { return daemon.told().contains("READY=1"); }));
    EXPECT_TRUE(service.takes(device.credential("key")));
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
}

}  // namespace
}  // namespace devkey::e2e
