#include "services/wire.hpp"

#include <gtest/gtest.h>

#include <random>

namespace devkey::services {
namespace {

TEST(Wire, ReadsWhatTheServiceAnswers) {
    EXPECT_EQ(parse_location(R"({"hostname":"https://h"})").value(), "https://h");
    const auto session =
        parse_session(R"({"user_id":"u","refresh_token":"r","access_token":"a","device_id":"d"})");
    EXPECT_EQ(session->user_id, "u");
    EXPECT_EQ(session->refresh_token.reveal(), "r");
    const auto created =
        parse_created_key(R"({"_id":"0123456789abcdef01234567","key":"k","name":"n","disabled":false})");
    EXPECT_EQ(created->id, "0123456789abcdef01234567");
    EXPECT_EQ(created->secret.reveal(), "k");
    const auto keys = parse_keys(
        R"([{"_id":"a","name":"n","disabled":true},{"_id":"b","name":"m","disabled":false,"more":1}])");
    ASSERT_EQ(keys->size(), 2U);
    EXPECT_FALSE(keys->front().enabled);
    EXPECT_TRUE(keys->back().enabled);
    EXPECT_EQ(parse_error(R"({"error":"e","error_code":"C"})").code, "C");
}

TEST(Wire, RefusesWhatIsNotAsItShouldBe) {
    for (const char* body :
         {"", "null", "[]", "{}", "7", "<html>", R"({"hostname":7})", R"({"hostname":""})"})
        EXPECT_FALSE(parse_location(body)) << body;
    for (const char* body :
         {R"({"_id":"../../x","key":"k","name":"n"})", R"({"_id":"","key":"k","name":"n"})",
          R"({"_id":"a","name":"n"})", R"({"_id":"a","key":{},"name":"n"})"})
        EXPECT_FALSE(parse_created_key(body)) << body;
    for (const char* body :
         {R"({})", R"([7])", R"([{"_id":"a","name":"n","disabled":"no"}])", R"([{"_id":"a","name":"n"}])"})
        EXPECT_FALSE(parse_keys(body)) << body;
}

TEST(Wire, SurvivesRandomBytesAndDepthAndNeverQuotesASecret) {
    const std::string good =
        R"({"_id":"0123456789abcdef01234567","key":"s3cret-value","name":"n","disabled":false})";
    std::mt19937 random{7};
    for (int round = 0; round < 5000; ++round) {
        auto body = good;
        for (int hits = 0; hits < 3; ++hits) body[random() % body.size()] = static_cast<char>(random());
        const auto created = parse_created_key(body);
        if (!created) {
            EXPECT_EQ(created.error().message.find("s3cret"), std::string::npos);
        }
        EXPECT_LE(parse_error(body).text.size(), 200U);
    }
    EXPECT_FALSE(parse_keys(std::string(1U << 20U, '[')));
}

TEST(Wire, TakesNoCodeThatIsNone) {
    EXPECT_EQ(parse_error("{\"error_code\":\"a\\u001b[31m\"}").code, "");
    EXPECT_EQ(parse_error("{\"error_code\":\"" + std::string(65, 'A') + "\"}").code, "");
    EXPECT_EQ(parse_error(R"({"error":7,"error_code":{}})").code, "");
    EXPECT_EQ(parse_error("{\"error\":\"two\\nlines\"}").text, "twolines");
}

TEST(Wire, TakesNoIdOrHostThatCouldMisleadALogOrAPath) {
    EXPECT_FALSE(parse_location("{\"hostname\":\"https://h\\ndevkeyd: all is well\"}"));
    EXPECT_FALSE(parse_location("{\"hostname\":\"https://" + std::string(300, 'h') + "\"}"));
    EXPECT_FALSE(parse_session(R"({"user_id":"u/../v","refresh_token":"r"})"));
    EXPECT_FALSE(parse_session(R"({"user_id":"u","refresh_token":"r\r\nX-More: 1"})"));
    EXPECT_FALSE(parse_created_key(R"({"_id":"a1","name":"n","key":"k\nk","disabled":false})"));
    for (const char* id : {"", ".", "..", "a/b", "a%2fb", "a?b", "a b"}) EXPECT_FALSE(is_id(id)) << id;
    EXPECT_FALSE(is_id(std::string(65, 'a')));
    EXPECT_TRUE(is_id(std::string(64, 'a')));
}

TEST(Wire, MakesLogInsForEveryProvider) {
    core::OwnerSettings owner{
        .provider = core::OwnerProvider::LocalUserpass, .username = "a\"b", .secret = {}};
    EXPECT_EQ(log_in_body(owner, core::Secret{"p"})->reveal(), R"({"password":"p","username":"a\"b"})");
    owner.provider = core::OwnerProvider::CustomToken;
    EXPECT_EQ(log_in_body(owner, core::Secret{"t"})->reveal(), R"({"token":"t"})");
    owner.provider = core::OwnerProvider::CustomFunction;
    EXPECT_EQ(log_in_body(owner, core::Secret{R"({"x": 1})"})->reveal(), R"({"x": 1})");
    for (const char* text : {"", "[]", "7", "{"})
        EXPECT_EQ(log_in_body(owner, core::Secret{text}).error().kind, core::ErrorKind::SecretUnusable)
            << text;
}

}  // namespace
}  // namespace devkey::services
