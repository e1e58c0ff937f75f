#include "core/key_name.hpp"

#include <gtest/gtest.h>

#include <set>

namespace devkey::core {
namespace {

TEST(KeyName, IsReadBackTheSame) {
    for (const char* device : {"dev-1", "a", "--", "0123456789abcdef0123456789abcdef", "x_y-z"}) {
        const KeyName name{.prefix = "devkey",
                           .device = device,
                           .installation = "abc234",
                           .generation = 42,
                           .nonce = "wxyz"};
        const auto parsed = parse_key_name(format(name));
        ASSERT_TRUE(parsed) << device;
        EXPECT_EQ(*parsed, name);
    }
}

TEST(KeyName, IsNotReadFromOtherNames) {
    for (const char* text :
         {"", "-", "my-laptop", "devkey-dev-abc234-0-wxyz", "devkey-dev-abc234-01-wxyz",
          "devkey-dev-abc234--wxyz", "devkey-dev-ABC234-1-wxyz", "devkey-dev-abc23-1-wxyz",
          "devkey-dev-abc234-1-wxy1", "devkey-abc234-1-wxyz", "-dev-abc234-1-wxyz", "devkey--abc234-1-wxyz",
          "devkey-dev-abc234-99999999999-wxyz", "devkey-d v-abc234-1-wxyz"})
        EXPECT_FALSE(parse_key_name(text)) << text;
}

TEST(DeviceLabel, IsTheIdWhereItFits) {
    EXPECT_EQ(device_label("dev-1", "devkey", 64).value(), "dev-1");
    EXPECT_EQ(device_label("0123456789abcdef0123456789abcdef", "devkey", 64).value(),
              "0123456789abcdef0123456789abcdef");
}

TEST(DeviceLabel, StaysWithinTheServicesLimitAndTellsDevicesApart) {
    for (const std::size_t longest : {32U, 40U, 48U, 64U}) {
        std::set<std::string> labels;
        for (int i = 0; i < 200; ++i) {
            const auto label =
                device_label(std::string(60, 'x') + " \xc3\xa4 " + std::to_string(i), "devkey", longest);
            ASSERT_TRUE(label);
            labels.insert(*label);
            const KeyName name{.prefix = "devkey",
                               .device = *label,
                               .installation = "abc234",
                               .generation = 999999,
                               .nonce = "wxyz"};
            EXPECT_LE(format(name).size(), longest);
            EXPECT_TRUE(parse_key_name(format(name)));
        }
        EXPECT_EQ(labels.size(), 200U);
    }
}

TEST(DeviceLabel, SaysWhenThePrefixIsTooLong) {
    const auto label = device_label("dev-1", "averylongprefix1", 32);
    ASSERT_FALSE(label);
    EXPECT_EQ(label.error().kind, ErrorKind::InvalidInput);
    EXPECT_NE(label.error().message.find("key.prefix"), std::string::npos);
}

}  // namespace
}  // namespace devkey::core
