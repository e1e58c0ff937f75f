#include "core/back_off.hpp"

#include <gtest/gtest.h>

#include <set>

namespace devkey::core {
namespace {

using namespace std::chrono_literals;

TEST(BackOff, DoublesUpToItsLongest) {
    const Error error{ErrorKind::Unavailable, "503"};
    for (unsigned count = 1; count < 100; ++count) {
        const auto wait = back_off(error, count, "dev-1");
        const auto plain = std::min<Millis>(10min, 2s * (1LL << std::min(count - 1, 20U)));
        EXPECT_GE(wait, plain);
        EXPECT_LE(wait, plain + plain / 4);
    }
}

TEST(BackOff, IsLongForWhatOnlyAPersonCanMend) {
    EXPECT_GE(back_off({ErrorKind::Unauthenticated, "401"}, 1, "dev-1"), 5min);
    EXPECT_GE(back_off({ErrorKind::Unauthenticated, "401"}, 50, "dev-1"), 6h);
}

TEST(BackOff, NeverComesBeforeRetryAfter) {
    EXPECT_GE(back_off({ErrorKind::RateLimited, "429", std::chrono::seconds{7200}}, 1, "dev-1"), 2h);
}

TEST(BackOff, IsNoLongerThanWhoAsksCanWaitUnlessTheServiceAskedForMore) {
    for (unsigned count = 1; count < 20; ++count)
        EXPECT_LE(back_off({ErrorKind::LimitReached, "full"}, count, "dev-1", 1h), 1h);
    EXPECT_GT(back_off({ErrorKind::LimitReached, "full"}, 19, "dev-1", 1h), 45min);
    EXPECT_GE(back_off({ErrorKind::RateLimited, "429", std::chrono::seconds{7200}}, 1, "dev-1", 1h), 2h);
}

TEST(BackOff, SpreadsAFleetAndIsTheSameForOneDevice) {
    std::set<Millis> waits;
    for (int device = 0; device < 50; ++device)
        waits.insert(back_off({ErrorKind::Unavailable, ""}, 8, "dev-" + std::to_string(device)));
    EXPECT_GT(waits.size(), 30U);
    EXPECT_EQ(back_off({ErrorKind::Unavailable, ""}, 8, "dev-1"),
              back_off({ErrorKind::Unavailable, ""}, 8, "dev-1"));
}

}  // namespace
}  // namespace devkey::core
