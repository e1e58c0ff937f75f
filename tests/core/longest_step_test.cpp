#include <gtest/gtest.h>

#include "core/settings.hpp"

namespace devkey::core {
namespace {

using namespace std::chrono_literals;

TEST(LongestStep, HoldsWhatADiskAndARequestMayTake) {
    Settings settings;
    EXPECT_EQ(longest_step(settings), 70s);
    settings.service.request_timeout = 90s;
    settings.service.connect_timeout = 1s;
    EXPECT_EQ(longest_step(settings), 121s);
}

TEST(LongestStep, HoldsWhatProgramsMayTake) {
    Settings settings;
    settings.owner.secret = FromCommand{.run = {"/bin/a"}, .timeout = 20s};
    settings.device_id = FromCommand{.run = {"/bin/b"}, .timeout = 5s};
    EXPECT_EQ(longest_step(settings), 95s);
    settings.policy.hooks.after_publish = Hook{.run = {"/bin/c"}, .timeout = 40s};
    settings.policy.hooks.before_disable = Hook{.run = {"/bin/d"}, .timeout = 10s};
    settings.policy.hooks.on_failure = Hook{.run = {"/bin/e"}, .timeout = 3s};
    EXPECT_EQ(longest_step(settings), 148s);
}

}  // namespace
}  // namespace devkey::core
