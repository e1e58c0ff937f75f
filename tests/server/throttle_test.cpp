// Whoever guesses is slowed down; whoever doesn't isn't.
#include "server/throttle.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace devkey::server {
namespace {

constexpr long long start = 1800000000;

long long fail_at(Throttle& throttle, const std::string& account, const std::string& address, long long now) {
    Throttle::Attempt attempt(throttle, account, address, now);
    if (attempt.wait() == 0) attempt.failed();
    return attempt.wait();
}

TEST(Throttle, LetsAnAccountFailFiveTimesThenOnceAMinute) {
    Throttle throttle;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(fail_at(throttle, "a", "h", start), 0);
    EXPECT_EQ(fail_at(throttle, "a", "elsewhere", start + 20), 40);
    EXPECT_EQ(fail_at(throttle, "b", "h", start), 0);
    EXPECT_EQ(fail_at(throttle, "a", "h", start + 60), 0);
    EXPECT_EQ(fail_at(throttle, "a", "h", start + 60), 60);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(fail_at(throttle, "a", "h", start + 3600), 0);
}

TEST(Throttle, LetsAnAddressFailFiftyTimesThenOnceInTenSeconds) {
    Throttle throttle;
    for (int i = 0; i < 50; ++i) EXPECT_EQ(fail_at(throttle, "", "h", start), 0);
    EXPECT_EQ(fail_at(throttle, "", "h", start), 10);
    EXPECT_EQ(fail_at(throttle, "", "elsewhere", start), 0);
    EXPECT_EQ(fail_at(throttle, "", "h", start + 10), 0);
    EXPECT_EQ(fail_at(throttle, "", "h", start + 10), 10);
}

TEST(Throttle, ForgetsAnAccountsFailuresAfterASuccess) {
    Throttle throttle;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 4; ++i) EXPECT_EQ(fail_at(throttle, "a", "h", start), 0);
        Throttle::Attempt attempt(throttle, "a", "h", start);
        EXPECT_EQ(attempt.wait(), 0);
        attempt.succeeded();
    }
}

TEST(Throttle, LocksNobodyOutWhenTheClockIsSetBack) {
    Throttle throttle;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(fail_at(throttle, "a", "h", start), 0);
    EXPECT_LE(fail_at(throttle, "a", "h", start - 1000000), 60);
}

TEST(Throttle, CantBeOutrunSideBySide) {
    Throttle throttle;
    std::atomic<int> tried = 0;
    {
        std::vector<std::jthread> crowd;
        for (int i = 0; i < 40; ++i)
            crowd.emplace_back([&] {
                Throttle::Attempt attempt(throttle, "a", "h", start);
                if (attempt.wait() > 0) return;
                ++tried;
                std::this_thread::yield();
                attempt.failed();
            });
    }
    EXPECT_EQ(tried, 5);
}

TEST(Throttle, LetsACrowdThatKnowsThePasswordIn) {
    Throttle throttle;
    std::atomic<int> in = 0;
    {
        std::vector<std::jthread> crowd;
        for (int i = 0; i < 100; ++i)
            crowd.emplace_back([&] {
                Throttle::Attempt attempt(throttle, "a", "h", start);
                if (attempt.wait() > 0) return;
                ++in;
                std::this_thread::yield();
                attempt.succeeded();
            });
    }
    EXPECT_EQ(in, 100);
}

}  // namespace
}  // namespace devkey::server
