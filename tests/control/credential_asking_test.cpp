// Who asks on the credential socket, also who pretends to.
#include "control/credential_asking.hpp"

#include <gtest/gtest.h>

namespace devkey::control {
namespace {

using namespace std::string_view_literals;

std::optional<CredentialAsking> abstract(std::string_view name) {
    return parse_asking(std::string(1, '\0').append(name));
}

TEST(CredentialAsking, ReadsWhatSystemdSays) {
    EXPECT_EQ(abstract("adbf9d2f1ca4a7f7/unit/my-program.service/api-key"),
              (CredentialAsking{"my-program.service", "api-key"}));
    EXPECT_EQ(abstract("0/unit/x@a\\x2db.service/a.b:c"), (CredentialAsking{"x@a\\x2db.service", "a.b:c"}));
}

TEST(CredentialAsking, TakesNothingElseForSystemd) {
    for (const auto name : {""sv,
                            "/"sv,
                            "abc"sv,
                            "/unit/"sv,
                            "abc/unit/"sv,
                            "abc/unit/a.service"sv,
                            "abc/unit/a.service/"sv,
                            "abc/unit//api-key"sv,
                            "/unit/a.service/api-key"sv,
                            "ABC/unit/a.service/api-key"sv,
                            "0123456789abcdef0/unit/a.service/api-key"sv,
                            "abc/unit/a/api-key"sv,
                            "abc/unit/a.service/api/key"sv,
                            "abc/unit/b.service/unit/a.service/api-key"sv,
                            "abc/unit/a.service/unit/"sv,
                            "abc/unit/a.service/unit/api-key"sv,
                            "abc/unit/a\0.service/key"sv,
                            "abc/unit/a.service\0/key"sv,
                            "abc/unit/a.service/key\0"sv,
                            "abc\0/unit/a.service/key"sv,
                            "\0abc/unit/a.service/key"sv,
                            "abc/unit/a.service/k\ney"sv,
                            "abc/unit/../key"sv,
                            "abc/Unit/a.service/key"sv,
                            "abc/unit/a.service/\xc3\xa4"sv})
        EXPECT_EQ(abstract(name), std::nullopt) << name;
    EXPECT_EQ(abstract("abc/unit/" + std::string(300, 'a') + ".service/api-key"), std::nullopt);
    EXPECT_EQ(abstract("abc/unit/a.service/" + std::string(256, 'a')), std::nullopt);
    // A path in the file system, which anybody may bind.
    EXPECT_EQ(parse_asking("abc/unit/a.service/api-key"), std::nullopt);
    EXPECT_EQ(parse_asking(""), std::nullopt);
}

TEST(CredentialAsking, OnlyRootForAListedUnitMayHaveTheKey) {
    const std::vector<std::string> units{"a.service", "x@.service", "y@1.service"};
    const auto refusal = [&](std::uint32_t uid, std::string_view unit) {
        return refusal_of(uid, CredentialAsking{std::string(unit), "api-key"}, units);
    };
    for (const auto* unit : {"a.service", "x@1.service", "x@2.service", "y@1.service"}) {
        EXPECT_EQ(refusal(0, unit), "") << unit;
        EXPECT_NE(refusal(1000, unit), "") << unit;
    }
    for (const auto* unit : {"b.service", "a.socket", "aa.service", "x.service", "y@2.service", "y@.service"})
        EXPECT_NE(refusal(0, unit), "") << unit;
    EXPECT_NE(refusal_of(0, std::nullopt, units), "");
    EXPECT_NE(refusal_of(0, CredentialAsking{"a.service", "api-key"}, {}), "");
}

}  // namespace
}  // namespace devkey::control
