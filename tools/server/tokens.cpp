#include "server/tokens.hpp"

#include <Poco/Crypto/OpenSSLInitializer.h>
#include <Poco/Crypto/RSAKey.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JWT/Signer.h>
#include <Poco/JWT/Token.h>

#include <sstream>

#include "server/crypto.hpp"

namespace devkey::server {

using Poco::JWT::Signer;
using Poco::JWT::Token;

namespace {

Token make_token(const char* type, const User& user, long long now, long long lifetime) {
    Token token;
    token.setType("JWT");
    auto& payload = token.payload();
    payload.set("sub", user.id);
    payload.set("typ", type);
    payload.set("iat", now);
    payload.set("exp", now + lifetime);
    payload.set("jti", random_hex(16));
    payload.set("baas_domain_id", user.app);
    return token;
}

long long number_of(const Poco::JSON::Object& payload, const char* name) {
    const auto value = payload.get(name);
    return value.isNumeric() ? value.convert<long long>() : 0;
}

std::string text_of(const Poco::JSON::Object& payload, const char* name) {
    const auto value = payload.get(name);
    return value.isString() ? value.extract<std::string>() : std::string();
}

bool is_for(const Poco::JSON::Object& payload, const std::string& app) {
    if (text_of(payload, "aud") == app) return true;
    if (const auto list = payload.getArray("aud"))
        for (const auto& one : *list)
            if (one.isString() && one.extract<std::string>() == app) return true;
    return false;
}

/// Before Poco, which compares signatures with memcmp: how long that takes tells how much of a guess is
/// right.
bool is_signed_with(const std::string& key, const std::string& token) {
    const auto dot = token.rfind('.');
    return dot != std::string::npos && same(hmac_sha256(key, token.substr(0, dot)), token.substr(dot + 1));
}

}  // namespace

Tokens::Tokens(std::string signing_key) : key_(std::move(signing_key)) {
    // Poco counts the users of OpenSSL, and tears it down with the last: a crowd of threads that come and go
    // would use what another one is tearing down. So one stays.
    static const Poco::Crypto::OpenSSLInitializer stays;
}

std::string Tokens::access(const User& user, long long now) const {
    auto token = make_token("access", user, now, access_seconds);
    return Signer(key_).sign(token, Signer::ALGO_HS256);
}

std::string Tokens::refresh(const User& user, const StoredSession& session, long long now) const {
    auto token = make_token("refresh", user, now, refresh_seconds);
    Poco::JSON::Object::Ptr identity = new Poco::JSON::Object;
    identity->set("id", session.key.empty() ? user.id : session.key);
    identity->set("provider_type", session.provider);
    identity->set("provider_id", session.key.empty() ? user.provider_id : session.key);
    token.payload().set("baas_identity", identity);
    return Signer(key_).sign(token, Signer::ALGO_HS256);
}

std::optional<Claims> Tokens::check(const std::string& text, long long now) const {
    try {
        if (!is_signed_with(key_, text)) return std::nullopt;
        Signer signer(key_);  // knows HS256 alone
        Token token;
        if (!signer.tryVerify(text, token) || number_of(token.payload(), "exp") <= now) return std::nullopt;
        return Claims{.type = text_of(token.payload(), "typ"), .user = text_of(token.payload(), "sub")};
    } catch (const Poco::Exception&) {
        return std::nullopt;
    }
}

bool is_usable_custom_token_secret(const std::string& secret) {
    if (!secret.starts_with("-----BEGIN")) return !secret.empty();
    try {
        std::istringstream pem(secret);
        const Poco::Crypto::RSAKey key(&pem);
        return true;
    } catch (const Poco::Exception&) {
        return false;
    }
}

std::optional<std::string> check_custom_token(const std::string& text, const std::string& secret,
                                              const std::string& app, long long now) {
    try {
        Signer signer;
        // One algorithm per secret: a public key must never be taken for a shared secret.
        const bool is_public_key = secret.starts_with("-----BEGIN");
        if (!is_public_key && !is_signed_with(secret, text)) return std::nullopt;
        signer.setAlgorithms({is_public_key ? Signer::ALGO_RS256 : Signer::ALGO_HS256});
        if (is_public_key) {
            std::istringstream pem(secret);
            signer.setRSAKey(new Poco::Crypto::RSAKey(&pem));
        } else {
            signer.setHMACKey(secret);
        }
        Token token;
        if (secret.empty() || !signer.tryVerify(text, token)) return std::nullopt;
        const auto subject = text_of(token.payload(), "sub");
        if (subject.empty() || !is_for(token.payload(), app) || number_of(token.payload(), "exp") <= now)
            return std::nullopt;
        return subject;
    } catch (const Poco::Exception&) {
        return std::nullopt;
    }
}

}  // namespace devkey::server
