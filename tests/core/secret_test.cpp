#include "core/secret.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <ostream>
#include <type_traits>

namespace devkey::core {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!Printable<Secret>, "a secret must not be printable");
static_assert(!std::is_convertible_v<Secret, std::string_view>, "a secret must be revealed by name");
static_assert(!std::is_convertible_v<std::string, Secret>, "making a secret must be visible");

TEST(Secret, ShowsItsValueOnlyOnRequest) {
    const Secret secret{"hunter2"};
    EXPECT_EQ(secret.reveal(), "hunter2");
    EXPECT_FALSE(secret.empty());
}

TEST(Secret, TakeWipesItsSource) {
    std::string source(100, 'x');
    const char* memory = source.data();
    const Secret secret = Secret::take(source);
    EXPECT_EQ(secret.reveal(), std::string(100, 'x'));
    EXPECT_TRUE(source.empty());
    EXPECT_EQ(memory[1], '\0');  // the string still owns it: only emptied
}

TEST(Secret, MovedFromIsEmpty) {
    Secret first{"value"};
    const Secret second{std::move(first)};
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): what is tested
    EXPECT_EQ(second.reveal(), "value");
}

TEST(Secret, CopiesAreTheirOwn) {
    Secret first{"value"};
    const Secret second{first};
    first = Secret{"other"};
    EXPECT_EQ(second.reveal(), "value");
    EXPECT_EQ(first.reveal(), "other");
}

TEST(Secret, ComparesByValue) {
    EXPECT_EQ(Secret{"a"}, Secret{"a"});
    EXPECT_NE(Secret{"a"}, Secret{"b"});
    EXPECT_NE(Secret{"a"}, Secret{"ab"});
    EXPECT_EQ(Secret{}, Secret{""});
}

TEST(Secret, WipeClearsEveryByte) {
    unsigned char bytes[] = {1, 2, 3, 4};
    wipe(bytes, sizeof bytes);
    for (const unsigned char byte : bytes) EXPECT_EQ(byte, 0);
}

}  // namespace
}  // namespace devkey::core
