#include "core/clock_trust.hpp"

#include <gtest/gtest.h>

namespace devkey::core {
namespace {

using namespace std::chrono_literals;

constexpr Instant floor_time{1000h};
constexpr BootInstant boot{5h};

TEST(TrustedTime, IsTheFloorWhereTheClockLostItsMemory) {
    const auto time = trusted_time({.wall = Instant{1h}, .boot = boot, .synchronised = true}, {}, floor_time);
    EXPECT_EQ(time.now, floor_time);
    EXPECT_EQ(time.trust, ClockTrust::None);
}

TEST(TrustedTime, IsTheWallClockWhereThatIsPlausible) {
    const ClockReading reading{.wall = Instant{1001h}, .boot = boot};
    EXPECT_EQ(trusted_time(reading, {}, floor_time).now, Instant{1001h});
    EXPECT_EQ(trusted_time(reading, {}, floor_time).trust, ClockTrust::Floor);
    auto kept_right = reading;
    kept_right.synchronised = true;
    EXPECT_EQ(trusted_time(kept_right, {}, floor_time).trust, ClockTrust::Synchronised);
}

TEST(TrustedTime, IsTheServicesOnceItWasTold) {
    const ServerDate told{.date = Instant{2000h}, .came = boot - 2h};
    for (const auto wall : {Instant{}, Instant{1001h}, Instant{99999h}}) {
        const auto time = trusted_time({.wall = wall, .boot = boot}, told, floor_time);
        EXPECT_EQ(time.now, Instant{2002h});
        EXPECT_EQ(time.trust, ClockTrust::Server);
    }
}

}  // namespace
}  // namespace devkey::core
