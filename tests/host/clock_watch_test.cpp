#include "host/clock_watch.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <ctime>

#include "host/readable.hpp"

namespace devkey::host {
namespace {

/// To what it shows already: for the kernel that is setting it, too.
bool set_clock() {
    timespec now{};
    return ::clock_gettime(CLOCK_REALTIME, &now) == 0 && ::clock_settime(CLOCK_REALTIME, &now) == 0;
}

TEST(ClockWatch, IsQuietUntilTheClockIsSet) {
    ClockWatch watch;
    EXPECT_FALSE(readable_now(watch.descriptor()));
    EXPECT_FALSE(watch.was_set());
    for (int i = 0; i < 2; ++i) {
        if (!set_clock()) GTEST_SKIP() << "only root (with CAP_SYS_TIME) may set the clock";
        EXPECT_TRUE(readable_now(watch.descriptor()));
        EXPECT_TRUE(watch.was_set());
        EXPECT_FALSE(watch.was_set());
    }
}

}  // namespace
}  // namespace devkey::host
