// What in a text steers a terminal or forges a line of a log.
#include "core/text.hpp"

#include <gtest/gtest.h>

namespace devkey::core {
namespace {

TEST(Text, ControlCharactersAreSeen) {
    for (const auto* bad : {"\n", "a\tb", "\x1b[31m", "\x7f", "\xc2\x80",
                            "a\xc2\x9b"
                            "31m",
                            "\xc2\x9f"})
        EXPECT_TRUE(has_control_character(bad)) << escaped(bad);
    // A no-break space, letters with 0x80 to 0x9f as a later byte, and what isn't UTF-8.
    for (const auto* good :
         {"", "a b", "~", "\xc2\xa0", "\xc3\x9f", "\xe2\x80\x93", "\xf0\x9f\x94\x91", "\xc2", "\x9b"})
        EXPECT_FALSE(has_control_character(good)) << good;
    EXPECT_TRUE(has_control_character(std::string_view("\0", 1)));
}

TEST(Text, EscapesThemAndNothingElse) {
    EXPECT_EQ(escaped("a\nb\x1b[2J\x7f"),
              "a\\x0a"
              "b\\x1b[2J\\x7f");
    EXPECT_EQ(escaped("\xc2\x9b"
                      "2J\xc2\x85!"),
              "\\xc2\\x9b"
              "2J\\xc2\\x85!");
    for (const auto* plain : {"", "plain \\ text",
                              "stra\xc3\x9f"
                              "e \xe2\x80\x93 \xf0\x9f\x94\x91",
                              "\xc2", "\x9b"})
        EXPECT_EQ(escaped(plain), plain);
}

}  // namespace
}  // namespace devkey::core
