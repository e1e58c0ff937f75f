#include "core/time.hpp"

#include <gtest/gtest.h>

namespace devkey::core {
namespace {

using namespace std::chrono_literals;

struct DurationCase {
    const char* text;
    Millis duration;
};

class GoodDuration : public testing::TestWithParam<DurationCase> {};

TEST_P(GoodDuration, IsReadAndWrittenTheSame) {
    EXPECT_EQ(parse_duration(GetParam().text).value(), GetParam().duration);
    EXPECT_EQ(format_duration(GetParam().duration), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(Table, GoodDuration,
                         testing::Values(DurationCase{"0s", 0s}, DurationCase{"30d", 720h},
                                         DurationCase{"12h", 12h}, DurationCase{"15m", 15min},
                                         DurationCase{"500ms", 500ms}, DurationCase{"1h30m", 90min},
                                         DurationCase{"1d1h1m1s1ms", 25h + 61s + 1ms}));

TEST(BadDuration, IsRefusedWithARemedy) {
    for (const char* text : {"", "30", "d", "1.5h", "-1s", "1s1h", "1h1h", "1 h", "1w",
                             "99999999999999999999d", "36526d", "1H"}) {
        const auto result = parse_duration(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().kind, ErrorKind::InvalidInput);
        EXPECT_NE(result.error().message.find("like 30d"), std::string::npos);
    }
}

TEST(InstantText, RoundTrips) {
    const Instant instant{1767323045678ms};
    EXPECT_EQ(format_instant(instant), "2026-01-02T03:04:05.678Z");
    EXPECT_EQ(parse_instant("2026-01-02T03:04:05.678Z").value(), instant);
    EXPECT_EQ(parse_instant("2026-01-02T03:04:05Z").value(), Instant{1767323045000ms});
}

TEST(InstantText, IsReadBackOfWhateverWasMadeWritable) {
    for (const Instant any :
         {Instant::min(), Instant{-1ms}, Instant{}, Instant{1767323045678ms}, Instant::max()}) {
        const Instant written = writable(any);
        EXPECT_EQ(parse_instant(format_instant(written)), written);
        const bool fits = any >= Instant{} && any < Instant::max();
        EXPECT_EQ(written == any, fits);
    }
}

TEST(InstantText, RefusesWhatIsNoTime) {
    for (const char* text : {"", "2026-01-02", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",
                             "2026-01-02T24:00:00Z", "2026-01-02T03:04:05.678", "2026-01-02 03:04:05Z",
                             "1969-12-31T23:59:59Z", "2026-01-02T03:04:05,678Z"})
        EXPECT_FALSE(parse_instant(text)) << text;
}

}  // namespace
}  // namespace devkey::core
