#include "core/unit_name.hpp"

#include <gtest/gtest.h>

namespace devkey::core {
namespace {

TEST(UnitName, IsWhatSystemdTakes) {
    for (const char* name : {"a.service", "my-program.service", "a.b.service", "x@.service", "x@1.service",
                             "x@a@b.service", "dev-\\x2dfoo.swap", "srv-data.mount", "a:b_c.socket"})
        EXPECT_TRUE(is_unit_name(name)) << name;
    for (const char* name : {"", ".service", "a", "a.", "a.timer", "a.service ", "a/b.service", "@.service",
                             "@1.service", "a b.service", "\xc3\xa4.service", "a.service\n", "a.Service"})
        EXPECT_FALSE(is_unit_name(name)) << name;
    EXPECT_TRUE(is_unit_name(std::string(247, 'a') + ".service"));
    EXPECT_FALSE(is_unit_name(std::string(248, 'a') + ".service"));
    EXPECT_FALSE(is_unit_name(std::string_view("a\0.service", 10)));
}

TEST(UnitName, AnInstanceHasATemplate) {
    EXPECT_EQ(template_of("x@1.service"), "x@.service");
    EXPECT_EQ(template_of("x@a@b.c.service"), "x@.service");
    EXPECT_EQ(template_of("x@.service"), "x@.service");
    EXPECT_EQ(template_of("x.service"), "x.service");
}

}  // namespace
}  // namespace devkey::core
