#include "server/api.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <sstream>

#include "server/crypto.hpp"
#include "server/input.hpp"

namespace devkey::server {

using core::ErrorKind;
using Poco::JSON::Object;

namespace {

constexpr const char* no_device = "000000000000000000000000";

/// Ends a request with an error; caught in Api::answer alone.
struct Stop {
    ApiAnswer answer;
};

template <class Json>
ApiAnswer json_answer(int status, const Json& json) {
    std::ostringstream out;
    json.stringify(out);
    return {.status = status, .body = std::move(out).str()};
}

ApiAnswer error_answer(int status, const std::string& text, const std::string& code = {}) {
    Object json;
    json.set("error", text);
    if (!code.empty()) json.set("error_code", code);
    json.set("link", "/logs?co_id=" + random_hex(12));
    return json_answer(status, json);
}

Stop stop(int status, const std::string& text, const std::string& code = {}) {
    return {error_answer(status, text, code)};
}

/// The value, or the end of the request: what the store can't do is nothing that a client could mend.
template <class T>
T must(core::Result<T> result) {
    if (!result) throw stop(500, "internal server error", "InternalServerError");
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

Object::Ptr parse_body(const std::string& body) {
    try {
        Poco::JSON::Parser parser;
        parser.setDepth(16);
        const auto json = parser.parse(body.empty() ? "{}" : body);
        if (json.type() == typeid(Object::Ptr)) return json.extract<Object::Ptr>();
    } catch (const Poco::Exception&) {
        throw stop(400, "the body is not JSON", "BadRequest");
    }
    throw stop(400, "the body is not a JSON object", "BadRequest");
}

std::string text_of(const Object& json, const std::string& name) {
    const auto value = json.get(name);
    return value.isString() ? value.extract<std::string>() : std::string();
}

std::string need(const Object& json, const std::string& name) {
    auto value = text_of(json, name);
    if (value.empty()) throw stop(400, "'" + name + "' is a required string");
    return value;
}

Object to_json(const StoredKey& key) {
    Object json(Poco::JSON_PRESERVE_KEY_ORDER);
    json.set("_id", key.id);
    json.set("name", key.name);
    json.set("disabled", key.disabled);
    return json;
}

std::string bearer_of(const ApiRequest& request) {
    if (!request.authorization) throw stop(401, "must authenticate first", "InvalidSession");
    constexpr std::string_view scheme = "Bearer ";
    if (!request.authorization->starts_with(scheme) || request.authorization->size() == scheme.size())
        throw stop(401, "expected Authorization header with JWT (Bearer schema)");
    return request.authorization->substr(scheme.size());
}

Stop invalid_session() {
    return stop(401, "invalid session", "InvalidSession");
}

Stop unsupported(const std::string& provider) {
    return stop(404, "authentication via '" + provider + "' is unsupported");
}

Stop unauthorized(const std::string& code) {
    return stop(401, "unauthorized", code);
}

Stop user_disabled() {
    return stop(401, "user disabled", "UserDisabled");
}

Stop too_many_failures(long long wait) {
    auto refused = error_answer(429, "too many failed log-ins", "TooManyRequests");
    refused.retry_after = wait;
    return {refused};
}

StoredSession opened_by(const std::string& provider) {
    return {.user = {}, .provider = provider, .key = {}};
}

Stop not_found() {
    return stop(404, "not found", "NotFound");
}

ApiAnswer location(const ApiRequest& request) {
    if (request.origin.empty()) throw stop(400, "the Host header names no host", "BadRequest");
    Object json(Poco::JSON_PRESERVE_KEY_ORDER);
    json.set("deployment_model", "GLOBAL");
    json.set("location", "US-VA");
    json.set("hostname", request.origin);
    json.set("ws_hostname", "ws" + request.origin.substr(std::string_view("http").size()));
    return json_answer(200, json);
}

std::vector<std::string> split(const std::string& path) {
    std::vector<std::string> parts;
    std::istringstream in(path);
    for (std::string part; std::getline(in, part, '/');)
        if (!part.empty()) parts.push_back(part);
    return parts;
}

}  // namespace

struct Api::LoggedIn {
    User user;
    StoredSession session;
};

Api::Api(Store& store, Tokens tokens, std::function<long long()> now)
    : store_(store), tokens_(std::move(tokens)), now_(std::move(now)) {}

ApiAnswer Api::answer(const ApiRequest& request) noexcept {
    try {
        return route(request);
    } catch (const Stop& stopped) {
        return stopped.answer;
    } catch (const std::exception&) {
        return {.status = 500};
    }
}

ApiAnswer Api::route(const ApiRequest& request) {
    auto parts = split(request.path);
    const bool ours = parts.size() > 4 && parts[0] == "api" && parts[1] == "client" && parts[2] == "v2.0";
    if (!ours) throw not_found();
    parts.erase(parts.begin(), parts.begin() + 3);
    return parts[0] == "app" ? route_app(request, parts) : route_auth(request, parts);
}

ApiAnswer Api::route_app(const ApiRequest& request, const Parts& parts) {
    const auto& app = parts[1];
    if (!must(store_.has_app(app)))
        throw stop(404, "cannot find app using Client App ID '" + app + "'", "AppNotFound");
    if (parts.size() == 3 && parts[2] == "location" && request.method == "GET") return location(request);
    const bool provider =
        parts.size() == 6 && parts[2] == "auth" && parts[3] == "providers" && request.method == "POST";
    if (provider && parts[5] == "login") return log_in(request, app, parts[4]);
    if (provider && parts[4] == "local-userpass" && parts[5] == "register")
        return register_user(request, app);
    throw not_found();
}

ApiAnswer Api::route_auth(const ApiRequest& request, const Parts& parts) {
    if (parts[0] != "auth") throw not_found();
    if (parts[1] == "api_keys") return route_keys(request, parts);
    if (parts.size() != 2) throw not_found();
    if (parts[1] == "profile" && request.method == "GET") return profile(request);
    if (parts[1] != "session" || (request.method != "POST" && request.method != "DELETE")) throw not_found();
    std::string token;
    const auto session = session_of(request, token);
    if (request.method == "DELETE") {
        must(store_.remove_session(sha256(token)));
        return {.status = 204};
    }
    const auto user = must(store_.user(session.user));
    if (!user) throw invalid_session();
    Object json;
    json.set("access_token", tokens_.access(*user, now_()));
    return json_answer(201, json);
}

ApiAnswer Api::log_in(const ApiRequest& request, const std::string& app, const std::string& provider) {
    const auto secret = must(store_.provider(app, provider));
    if (!secret) throw unsupported(provider);
    const auto [user, opened] = check_log_in_slowly(request, app, provider, *secret);
    auto session = opened;
    session.user = user.id;
    session.expires = now_() + Tokens::refresh_seconds;
    const auto refresh = tokens_.refresh(user, session, now_());
    const auto added = store_.add_session(sha256(refresh), session, now_());
    if (!added && added.error().kind == ErrorKind::Forbidden) throw user_disabled();
    if (!added && added.error().kind == ErrorKind::NotFound) throw unauthorized("AuthError");
    must(added);
    Object json;
    json.set("access_token", tokens_.access(user, now_()));
    json.set("refresh_token", refresh);
    json.set("user_id", user.id);
    json.set("device_id", no_device);
    return json_answer(200, json);
}

Api::LoggedIn Api::check_log_in_slowly(const ApiRequest& request, const std::string& app,
                                       const std::string& provider, const std::string& secret) {
    const auto body = parse_body(request.body);
    const auto name = provider == "local-userpass" ? text_of(*body, "username") : "";
    // A hash, because a name may be as long as a body.
    const auto account = name.empty() ? "" : sha256(app + " " + name);
    Throttle::Attempt attempt(throttle_, account, request.address, now_());
    if (attempt.wait() > 0) throw too_many_failures(attempt.wait());
    try {
        auto in = check_log_in(*body, request.body, app, provider, secret);
        if (in.user.disabled) throw user_disabled();
        attempt.succeeded();
        return in;
    } catch (const Stop& stopped) {
        if (stopped.answer.status == 401) attempt.failed();
        throw;
    }
}

Api::LoggedIn Api::check_log_in(const Object& body, const std::string& text, const std::string& app,
                                const std::string& provider, const std::string& secret) {
    if (provider == "local-userpass") return by_password(body, app);
    if (provider == "api-key") return by_key(body, app);
    if (provider == "custom-token") return by_custom_token(body, app, secret);
    if (provider == "custom-function" && seam_.custom_function) return by_function(text, app);
    // Everyone who comes is somebody new.
    if (provider == "anon-user") return {user_of(app, provider, random_hex(12)), opened_by(provider)};
    throw unsupported(provider);
}

Api::LoggedIn Api::by_password(const Object& body, const std::string& app) {
    const auto name = need(body, "username");
    auto text = need(body, "password");
    const auto password = core::Secret::take(text);
    const auto user = must(store_.find_user(app, "local-userpass", name));
    if (!check_password(password, user ? user->password : "") || !user) throw unauthorized("InvalidPassword");
    return {*user, opened_by("local-userpass")};
}

Api::LoggedIn Api::by_custom_token(const Object& body, const std::string& app, const std::string& secret) {
    const auto subject = check_custom_token(need(body, "token"), secret, app, now_());
    if (!subject) throw unauthorized("AuthError");
    return {user_of(app, "custom-token", *subject), opened_by("custom-token")};
}

Api::LoggedIn Api::by_function(const std::string& body, const std::string& app) {
    const auto subject = seam_.custom_function(body);
    if (!subject) throw unauthorized("AuthError");
    return {user_of(app, "custom-function", *subject), opened_by("custom-function")};
}

Api::LoggedIn Api::by_key(const Object& body, const std::string& app) {
    const auto key = must(store_.key_by_hash(sha256(need(body, "key"))));
    const auto user = key && !key->disabled ? must(store_.user(key->user)) : std::nullopt;
    // Mistyped, disabled, deleted, or of another app: a stranger isn't told which.
    if (!user || user->app != app) throw unauthorized("AuthError");
    return {*user, {.user = {}, .provider = "api-key", .key = key->id}};
}

User Api::user_of(const std::string& app, const std::string& provider, const std::string& provider_id) {
    if (const auto known = must(store_.find_user(app, provider, provider_id))) return *known;
    const User user{.id = object_id(now_()),
                    .app = app,
                    .provider = provider,
                    .provider_id = provider_id,
                    .password = {}};
    if (const auto added = store_.add_user(user); !added && added.error().kind != ErrorKind::Conflict)
        must(added);
    // Another log-in of the same subject may have been faster.
    const auto stored = must(store_.find_user(app, provider, provider_id));
    return stored.value_or(user);
}

ApiAnswer Api::register_user(const ApiRequest& request, const std::string& app) {
    const auto provider = must(store_.provider(app, "local-userpass"));
    if (!provider) throw unsupported("local-userpass");
    if (*provider == no_register) throw stop(404, "this app's owner adds its users; nobody registers");
    const auto body = parse_body(request.body);
    auto text = need(*body, "password");
    const auto email = need(*body, "email");
    const auto password = core::Secret::take(text);
    for (const auto& fault : {fault_of_password(password), fault_of_user_name(email)})
        if (fault) throw stop(400, *fault, "BadRequest");
    if (must(store_.find_user(app, "local-userpass", email)))
        throw stop(409, "name already in use", "AccountNameInUse");
    const auto added =
        store_.add_user({object_id(now_()), app, "local-userpass", email, hash_password(password)});
    if (!added && added.error().kind == ErrorKind::Conflict)
        throw stop(409, "name already in use", "AccountNameInUse");
    must(added);
    return {.status = 201};
}

ApiAnswer Api::profile(const ApiRequest& request) {
    const auto claims = tokens_.check(bearer_of(request), now_());
    const auto user = claims && claims->type == "access" ? must(store_.user(claims->user)) : std::nullopt;
    if (!user) throw invalid_session();
    Object::Ptr identity = new Object;
    identity->set("id", user->id);
    identity->set("provider_type", user->provider);
    identity->set("provider_id", user->id);
    Poco::JSON::Array::Ptr identities = new Poco::JSON::Array;
    identities->add(identity);
    Object json(Poco::JSON_PRESERVE_KEY_ORDER);
    json.set("user_id", user->id);
    json.set("domain_id", user->app);
    json.set("identities", identities);
    json.set("data", Object::Ptr(new Object));
    json.set("type", "normal");
    return json_answer(200, json);
}

StoredSession Api::session_of(const ApiRequest& request, std::string& token) {
    token = bearer_of(request);
    const auto claims = tokens_.check(token, now_());
    const auto session =
        claims && claims->type == "refresh" ? must(store_.session(sha256(token))) : std::nullopt;
    if (!session || session->expires <= now_()) throw invalid_session();
    return *session;
}

ApiAnswer Api::route_keys(const ApiRequest& request, const Parts& parts) {
    std::string token;
    const auto session = session_of(request, token);
    if (session.provider == "api-key")
        throw stop(403, "an API key's session may not manage API keys", "Forbidden");
    if (session.provider == "anon-user") throw Stop{{.status = 403}};
    if (parts.size() > 2) return one_key(request, parts, session.user);
    if (request.method == "POST") return create_key(request, session.user);
    if (request.method != "GET") throw not_found();
    Poco::JSON::Array list;
    for (const auto& key : read_keys(session.user)) list.add(Object::Ptr(new Object(to_json(key))));
    return json_answer(200, list);
}

std::vector<StoredKey> Api::read_keys(const std::string& user) {
    auto keys = must(store_.keys(user));
    return seam_.read_keys ? seam_.read_keys(user, std::move(keys)) : keys;
}

ApiAnswer Api::create_key(const ApiRequest& request, const std::string& user) {
    const auto name = need(*parse_body(request.body), "name");
    if (const auto fault = fault_of_key_name(name)) throw stop(400, *fault, "InvalidParameter");
    const StoredKey key{.id = object_id(now_()), .user = user, .name = name};
    const auto value = random_key();
    const auto added = store_.add_key(key, sha256(value.reveal()));
    if (!added && added.error().kind == ErrorKind::Conflict)
        throw stop(409, added.error().message, "APIKeyAlreadyExists");
    if (!added && added.error().kind == ErrorKind::LimitReached)
        throw stop(400, added.error().message, "APIKeyLimitExceeded");
    must(added);
    auto json = to_json(key);
    json.set("key", std::string(value.reveal()));
    return json_answer(201, json);
}

ApiAnswer Api::one_key(const ApiRequest& request, const Parts& parts, const std::string& user) {
    const auto keys = request.method == "GET" ? read_keys(user) : must(store_.keys(user));
    const auto key = std::ranges::find(keys, parts[2], &StoredKey::id);
    if (key == keys.end()) throw stop(404, "API key not found", "APIKeyNotFound");
    if (parts.size() == 3 && request.method == "GET") return json_answer(200, to_json(*key));
    if (parts.size() == 3 && request.method == "DELETE") {
        must(store_.remove_key(key->id));
        return {.status = 204};
    }
    const bool change =
        parts.size() == 4 && request.method == "PUT" && (parts[3] == "enable" || parts[3] == "disable");
    if (!change) throw not_found();
    must(store_.set_key_disabled(key->id, parts[3] == "disable"));
    return {.status = 204};
}

}  // namespace devkey::server
