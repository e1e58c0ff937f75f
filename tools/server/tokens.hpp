// Session tokens (ours) and custom tokens (the site's own), all JSON Web Tokens.
#pragma once

#include <optional>
#include <string>

#include "server/store.hpp"

namespace devkey::server {

struct Claims {
    std::string type;  ///< `access` or `refresh`
    std::string user;
};

/// Signs and checks our own tokens (HS256).
class Tokens {
 public:
    static constexpr long long access_seconds = 30 * 60;            // as the hosted service's default
    static constexpr long long refresh_seconds = 60LL * 24 * 3600;  // likewise

    explicit Tokens(std::string signing_key);

    [[nodiscard]] std::string access(const User& user, long long now) const;
    [[nodiscard]] std::string refresh(const User& user, const StoredSession& session, long long now) const;
    /// None: not ours, altered, or expired at `now`.
    [[nodiscard]] std::optional<Claims> check(const std::string& token, long long now) const;

 private:
    std::string key_;
};

/// Not empty; if it says it is PEM, an RSA public key.
[[nodiscard]] bool is_usable_custom_token_secret(const std::string& secret);

/// The subject of a custom token: HS256 with a shared secret, or RS256 where `secret` is a public key in PEM.
/// None unless the signature holds, `aud` is `app`, `sub` is there and `exp` lies ahead.
[[nodiscard]] std::optional<std::string> check_custom_token(const std::string& token,
                                                            const std::string& secret, const std::string& app,
                                                            long long now);

}  // namespace devkey::server
