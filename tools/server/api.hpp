// The App Services client API (version 2.0, as far as user API keys go), without the network: a request in,
// an answer out.
#pragma once

#include <Poco/JSON/Object.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/seam.hpp"
#include "server/store.hpp"
#include "server/throttle.hpp"
#include "server/tokens.hpp"

namespace devkey::server {

struct ApiRequest {
    std::string method;
    std::string path;                          ///< without a query
    std::optional<std::string> authorization;  ///< the header's value
    std::string body;
    std::string address;  ///< whom to slow down: see client_of
    std::string origin;   ///< scheme://host[:port] where clients reach us; empty: unknown
};

struct ApiAnswer {
    int status = 204;
    std::optional<std::string> body{};  ///< JSON; none: an empty answer, without a content type
    long long retry_after = 0;          ///< seconds; 0: none
};

/// Safe for any thread.
class Api {
 public:
    /// `now`: seconds since 1970.
    Api(Store& store, Tokens tokens, std::function<long long()> now);

    /// Never throws.
    [[nodiscard]] ApiAnswer answer(const ApiRequest& request) noexcept;

    /// Empty, but in tests.
    [[nodiscard]] const Seam& seam() const { return seam_; }

 private:
    friend void fit(Api& api, Seam seam);
    struct LoggedIn;
    using Parts = std::vector<std::string>;

    [[nodiscard]] ApiAnswer route(const ApiRequest& request);
    [[nodiscard]] ApiAnswer route_app(const ApiRequest& request, const Parts& parts);
    [[nodiscard]] ApiAnswer route_auth(const ApiRequest& request, const Parts& parts);
    [[nodiscard]] ApiAnswer route_keys(const ApiRequest& request, const Parts& parts);

    [[nodiscard]] ApiAnswer log_in(const ApiRequest& request, const std::string& app,
                                   const std::string& provider);
    [[nodiscard]] LoggedIn check_log_in_slowly(const ApiRequest& request, const std::string& app,
                                               const std::string& provider, const std::string& secret);
    [[nodiscard]] LoggedIn check_log_in(const Poco::JSON::Object& body, const std::string& text,
                                        const std::string& app, const std::string& provider,
                                        const std::string& secret);
    [[nodiscard]] LoggedIn by_password(const Poco::JSON::Object& body, const std::string& app);
    [[nodiscard]] LoggedIn by_custom_token(const Poco::JSON::Object& body, const std::string& app,
                                           const std::string& secret);
    [[nodiscard]] LoggedIn by_function(const std::string& body, const std::string& app);
    [[nodiscard]] LoggedIn by_key(const Poco::JSON::Object& body, const std::string& app);
    [[nodiscard]] User user_of(const std::string& app, const std::string& provider,
                               const std::string& provider_id);
    [[nodiscard]] ApiAnswer register_user(const ApiRequest& request, const std::string& app);
    [[nodiscard]] ApiAnswer profile(const ApiRequest& request);
    [[nodiscard]] StoredSession session_of(const ApiRequest& request, std::string& token);
    [[nodiscard]] std::vector<StoredKey> read_keys(const std::string& user);
    [[nodiscard]] ApiAnswer create_key(const ApiRequest& request, const std::string& user);
    [[nodiscard]] ApiAnswer one_key(const ApiRequest& request, const Parts& parts, const std::string& user);

    Store& store_;
    Tokens tokens_;
    Throttle throttle_;
    std::function<long long()> now_;
    Seam seam_;
};

}  // namespace devkey::server
