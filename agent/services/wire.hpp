// JSON of the App Services client API ↔ structs. Pure: no network, and no input can make it throw.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/secret.hpp"
#include "core/settings.hpp"
#include "ports/key_service.hpp"

namespace devkey::services {

/// What a log-in answers, as far as we use it.
struct Session {
    std::string user_id;
    core::Secret refresh_token;
};

/// An error's body; both empty where the body was empty, HTML, or anything else.
struct ErrorBody {
    std::string text;  ///< cleaned: printable ASCII, at most 200 characters
    std::string code;  ///< empty unless it looks like one: see is_id
};

/// 1 to 64 of [A-Za-z0-9_-], as the service's ids and codes are. Nothing else may go into a URL's path.
[[nodiscard]] bool is_id(std::string_view text);
/// For quoting: printable ASCII only, at most 200 characters.
[[nodiscard]] std::string clean(std::string text);

/// `hostname`, printable ASCII; it is not yet known to be a URL.
[[nodiscard]] core::Result<std::string> parse_location(std::string_view body);
[[nodiscard]] core::Result<Session> parse_session(std::string_view body);
[[nodiscard]] core::Result<ports::CreatedKey> parse_created_key(std::string_view body);
[[nodiscard]] core::Result<core::ListedKey> parse_key(std::string_view body);
[[nodiscard]] core::Result<std::vector<core::ListedKey>> parse_keys(std::string_view body);
[[nodiscard]] ErrorBody parse_error(std::string_view body);

/// The body of a log-in as the owner. InvalidInput if a custom function's secret isn't a JSON object.
[[nodiscard]] core::Result<core::Secret> log_in_body(const core::OwnerSettings& owner,
                                                     const core::Secret& secret);
[[nodiscard]] core::Secret api_key_body(const core::Secret& key);
[[nodiscard]] core::Secret create_body(const std::string& name);

}  // namespace devkey::services
