#include "server/tokens.hpp"

#include <Poco/Crypto/RSAKey.h>
#include <Poco/JWT/Signer.h>
#include <Poco/JWT/Token.h>
#include <gtest/gtest.h>

#include <sstream>

namespace devkey::server {
namespace {

constexpr long long now = 1800000000;

Poco::JWT::Token custom(long long expires = now + 60) {
    Poco::JWT::Token token;
    token.setType("JWT");
    token.payload().set("aud", "app");
    token.payload().set("sub", "site-7");
    token.payload().set("exp", expires);
    return token;
}

TEST(CustomToken, IsTakenWithItsSharedSecret) {
    auto token = custom();
    const auto text = Poco::JWT::Signer("secret").sign(token, "HS256");
    EXPECT_EQ(check_custom_token(text, "secret", "app", now), "site-7");
    EXPECT_FALSE(check_custom_token(text, "other", "app", now));
    EXPECT_FALSE(check_custom_token(text, "secret", "other", now));
    EXPECT_FALSE(check_custom_token(text, "secret", "app", now + 60));
    EXPECT_FALSE(check_custom_token(text, "", "app", now));
    EXPECT_FALSE(check_custom_token("rubbish", "secret", "app", now));
}

TEST(CustomToken, IsTakenWithAPublicKeyAndNeverWithThatKeyAsASecret) {
    Poco::SharedPtr<Poco::Crypto::RSAKey> key =
        new Poco::Crypto::RSAKey(Poco::Crypto::RSAKey::KL_2048, Poco::Crypto::RSAKey::EXP_LARGE);
    std::ostringstream pem;
    key->save(&pem);
    auto token = custom();
    Poco::JWT::Signer signer;
    signer.setRSAKey(key);
    signer.addAlgorithm("RS256");
    EXPECT_EQ(check_custom_token(signer.sign(token, "RS256"), pem.str(), "app", now), "site-7");
    auto forged = custom();
    EXPECT_FALSE(
        check_custom_token(Poco::JWT::Signer(pem.str()).sign(forged, "HS256"), pem.str(), "app", now));
}

TEST(CustomToken, WithoutSignatureSubjectOrEndIsRefused) {
    const std::string none =
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJhdWQiOiJhcHAiLCJzdWIiOiJzIiwiZXhwIjoxOTAwMDAwMDAwfQ.";
    EXPECT_FALSE(check_custom_token(none, "secret", "app", now));
    for (const char* field : {"sub", "exp", "aud"}) {
        auto token = custom();
        token.payload().remove(field);
        EXPECT_FALSE(
            check_custom_token(Poco::JWT::Signer("secret").sign(token, "HS256"), "secret", "app", now))
            << field;
    }
}

TEST(Tokens, AreOursAndHaveAnEnd) {
    const Tokens tokens("key");
    const User user{"u", "app", "local-userpass", "a@b", {}};
    const auto text = tokens.access(user, now);
    EXPECT_EQ(tokens.check(text, now)->type, "access");
    EXPECT_EQ(tokens.check(text, now)->user, "u");
    EXPECT_FALSE(tokens.check(text, now + Tokens::access_seconds));
    EXPECT_FALSE(Tokens("other").check(text, now));
}

}  // namespace
}  // namespace devkey::server
