// How often it is told that somebody is refused.
#include "control/refusals.hpp"

#include <gtest/gtest.h>

namespace devkey::control {
namespace {

using namespace std::chrono_literals;
using Rests = std::vector<Refusals::Rest>;

constexpr core::BootInstant start{1h};

TEST(Refusals, TheFirstIsToldAtOnceAndTheRestAsANumber) {
    Refusals refusals;
    EXPECT_TRUE(refusals.is_news("7", start));
    for (int i = 0; i < 20'000; ++i) EXPECT_FALSE(refusals.is_news("7", start + 3s));
    EXPECT_EQ(refusals.take(start + 59s), Rests{});
    EXPECT_EQ(refusals.due(), start + 60s);
    EXPECT_EQ(refusals.take(start + 60s), (Rests{{"7", 20'000}}));
    EXPECT_EQ(refusals.due(), std::nullopt);
    EXPECT_TRUE(refusals.is_news("7", start + 61s));
}

TEST(Refusals, OneAtATimeWakesNobody) {
    Refusals refusals;
    for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(refusals.is_news("7", start + i * 60s));
        EXPECT_EQ(refusals.due(), std::nullopt);
    }
}

TEST(Refusals, NobodyHidesBehindAnother) {
    Refusals refusals;
    EXPECT_TRUE(refusals.is_news("7", start));
    EXPECT_FALSE(refusals.is_news("7", start + 1s));
    EXPECT_TRUE(refusals.is_news("8", start + 30s));
    EXPECT_FALSE(refusals.is_news("8", start + 31s));
    EXPECT_EQ(refusals.due(), start + 60s);
    EXPECT_EQ(refusals.take(start + 60s), (Rests{{"7", 1}}));
    EXPECT_EQ(refusals.due(), start + 90s);
}

TEST(Refusals, WhatIsCountedIsNeverLost) {
    Refusals refusals;
    EXPECT_TRUE(refusals.is_news("7", start));
    EXPECT_FALSE(refusals.is_news("7", start + 1s));
    EXPECT_FALSE(refusals.is_news("7", start + 70s)) << "nobody has taken the count yet";
    EXPECT_EQ(refusals.take(core::BootInstant::max()), (Rests{{"7", 2}}));
}

TEST(Refusals, ManyUsersTakeNoMoreThanTheirRoom) {
    Refusals refusals;
    int told = 0;
    for (int uid = 0; uid < 10'000; ++uid) told += refusals.is_news(std::to_string(uid), start) ? 1 : 0;
    EXPECT_EQ(told, 65);
    EXPECT_EQ(refusals.take(start + 60s), (Rests{{std::nullopt, 10'000 - 65}}));
    EXPECT_TRUE(refusals.is_news("9999", start + 61s));
}

}  // namespace
}  // namespace devkey::control
