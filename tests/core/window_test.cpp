#include "core/window.hpp"

#include <gtest/gtest.h>

namespace devkey::core {
namespace {

using namespace std::chrono_literals;
using namespace std::chrono;

Window window(std::string_view text) {
    const auto parsed = parse_window(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(Window{});
}

/// 5 January 2026 was a Monday.
Instant monday(Millis time_of_day) {
    return Instant{sys_days{2026y / January / 5} + time_of_day};
}

TEST(Window, IsReadAsItIsWritten) {
    EXPECT_EQ(window("Mon..Fri 02:00-05:00"), (Window{.days = 0x1f, .from = 2h, .to = 5h}));
    EXPECT_EQ(window("Sat,Sun 22:00-02:00"), (Window{.days = 0x60, .from = 22h, .to = 2h}));
    EXPECT_EQ(window("Fri..Mon 00:00-24:00"), (Window{.days = 0x71, .from = 0h, .to = 24h}));
    EXPECT_EQ(window("04:30-05:00"), (Window{.days = 0x7f, .from = 4h + 30min, .to = 5h}));
}

TEST(Window, RefusesWhatIsNone) {
    for (const std::string_view text :
         {"", "Mon", "Mon 2:00-5:00", "mon 02:00-05:00", "Mon..Xyz 02:00-05:00", "Mon 02:00-02:00",
          "Mon 24:00-02:00", "Mon 02:00-24:01", "Mon 02:60-05:00", "Mon 02:00 -05:00", "Mon, 02:00-05:00",
          "Mon.. 02:00-05:00", "02:00-05:00 Mon", "Mon 02:00-05:00 ", " 02:00-05:00"})
        EXPECT_FALSE(parse_window(text)) << text;
}

TEST(NextOpening, IsNowInsideAWindowAndItsBeginningOutside) {
    const std::vector night{window("Mon..Fri 02:00-05:00")};
    EXPECT_EQ(next_opening(night, monday(3h), 0h).at, monday(3h));
    EXPECT_EQ(next_opening(night, monday(3h), 0h).rest, 2h);
    EXPECT_EQ(next_opening(night, monday(1h), 0h).at, monday(2h));
    EXPECT_EQ(next_opening(night, monday(5h), 0h).at, monday(26h));
    EXPECT_EQ(next_opening(night, monday(4 * 24h + 6h), 0h).at, monday(7 * 24h + 2h));  // over the week's end
    EXPECT_EQ(next_opening({}, monday(7h), 0h).at, monday(7h));
}

TEST(NextOpening, GoesByTheClockOfTheZone) {
    const std::vector night{window("02:00-05:00")};
    EXPECT_EQ(next_opening(night, monday(1h), 2h).at, monday(1h));
    EXPECT_EQ(next_opening(night, monday(3h), 2h).at, monday(24h));
    EXPECT_EQ(next_opening(night, monday(3h), -10h).at, monday(12h));
}

TEST(NextOpening, KnowsAWindowThatEndsOnTheNextDay) {
    const std::vector late{window("Sun 22:00-02:00")};
    EXPECT_EQ(next_opening(late, monday(1h), 0h).at, monday(1h));
    EXPECT_EQ(next_opening(late, monday(1h), 0h).rest, 1h);
    EXPECT_EQ(next_opening(late, monday(2h), 0h).at, monday(6 * 24h + 22h));
}

TEST(LongestWait, IsTheGreatestGapOfTheWeek) {
    EXPECT_EQ(longest_wait({}), 0h);
    EXPECT_EQ(longest_wait({window("02:00-05:00")}), 21h);
    EXPECT_EQ(longest_wait({window("Mon..Fri 02:00-05:00")}), 69h);
    EXPECT_EQ(longest_wait({window("Mon 00:00-24:00"), window("Tue..Sun 00:00-24:00")}), 0h);
}

}  // namespace
}  // namespace devkey::core
