#include "services/wire.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <sstream>

namespace devkey::services {

using core::ErrorKind;
using core::Result;
using Poco::JSON::Array;
using Poco::JSON::Object;

namespace {

constexpr std::size_t deepest = 16;
constexpr std::size_t longest_id = 64;
constexpr std::size_t longest_quote = 200;

Poco::Dynamic::Var parse_json(std::string_view body) {
    Poco::JSON::Parser parser;
    parser.setDepth(deepest);
    return parser.parse(std::string(body));
}

Object::Ptr object_of(const Poco::Dynamic::Var& json) {
    if (json.type() != typeid(Object::Ptr)) throw Poco::DataFormatException("not an object");
    return json.extract<Object::Ptr>();
}

std::string text_of(const Object& json, const std::string& name) {
    const auto value = json.get(name);
    if (!value.isString() || value.extract<std::string>().empty())
        throw Poco::DataFormatException("'" + name + "' is not a text");
    return value.extract<std::string>();
}

/// An id goes into a URL's path next: nothing else than these characters may.
std::string id_of(const Object& json) {
    const auto id = text_of(json, "_id");
    const bool fine = id.size() <= longest_id && std::ranges::all_of(id, [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                 c == '_' || c == '-';
                      });
    if (!fine) throw Poco::DataFormatException("'_id' is not an id");
    return id;
}

core::ListedKey key_of(const Object& json) {
    const auto disabled = json.get("disabled");
    if (!disabled.isBoolean()) throw Poco::DataFormatException("'disabled' is not true or false");
    return {.id = id_of(json), .name = text_of(json, "name"), .enabled = !disabled.extract<bool>()};
}

/// The one place where the library's exceptions end. Our own messages name the field; the parser's may quote
/// the text, and with it a secret: they are dropped.
template <class Parse>
auto guarded(std::string_view what, Parse parse) -> Result<decltype(parse())> {
    try {
        return parse();
    } catch (const Poco::DataFormatException& error) {
        return core::fail(ErrorKind::Unavailable,
                          "the answer is no " + std::string(what) + ": " + error.message());
    } catch (const std::exception&) {
        return core::fail(ErrorKind::Unavailable, "the answer is no " + std::string(what) + ": broken JSON");
    }
}

std::string clean(std::string text) {
    std::erase_if(text, [](char c) { return c < ' ' || c > '~'; });
    return text.substr(0, longest_quote);
}

core::Secret to_secret(const Object& json) {
    std::ostringstream out;
    json.stringify(out);
    auto text = std::move(out).str();
    return core::Secret::take(text);
}

core::Secret one_field(const char* name, std::string_view value) {
    Object json;
    json.set(name, std::string(value));
    return to_secret(json);
}

}  // namespace

Result<std::string> parse_location(std::string_view body) {
    return guarded("location", [&] { return text_of(*object_of(parse_json(body)), "hostname"); });
}

Result<Session> parse_session(std::string_view body) {
    return guarded("session", [&] {
        const auto json = object_of(parse_json(body));
        auto token = text_of(*json, "refresh_token");
        return Session{.user_id = text_of(*json, "user_id"), .refresh_token = core::Secret::take(token)};
    });
}

Result<ports::CreatedKey> parse_created_key(std::string_view body) {
    return guarded("new key", [&] {
        const auto json = object_of(parse_json(body));
        auto secret = text_of(*json, "key");
        return ports::CreatedKey{
            .id = id_of(*json), .name = text_of(*json, "name"), .secret = core::Secret::take(secret)};
    });
}

Result<core::ListedKey> parse_key(std::string_view body) {
    return guarded("key", [&] { return key_of(*object_of(parse_json(body))); });
}

Result<std::vector<core::ListedKey>> parse_keys(std::string_view body) {
    return guarded("list of keys", [&] {
        const auto json = parse_json(body);
        if (json.type() != typeid(Array::Ptr)) throw Poco::DataFormatException("not a list");
        std::vector<core::ListedKey> keys;
        for (const auto& item : *json.extract<Array::Ptr>()) keys.push_back(key_of(*object_of(item)));
        return keys;
    });
}

ErrorBody parse_error(std::string_view body) {
    const auto parsed = guarded("error", [&] {
        const auto json = object_of(parse_json(body));
        const auto text = [&](const char* name) {
            const auto value = json->get(name);
            return value.isString() ? clean(value.extract<std::string>()) : std::string();
        };
        return ErrorBody{.text = text("error"), .code = text("error_code")};
    });
    return parsed.value_or(ErrorBody{});
}

Result<core::Secret> log_in_body(const core::OwnerSettings& owner, const core::Secret& secret) {
    switch (owner.provider) {
        case core::OwnerProvider::LocalUserpass: {
            Object json;
            json.set("username", owner.username);
            json.set("password", std::string(secret.reveal()));
            return to_secret(json);
        }
        case core::OwnerProvider::CustomToken:
            return one_field("token", secret.reveal());
        case core::OwnerProvider::CustomFunction:
            break;
    }
    const auto is_object =
        guarded("JSON object", [&] { return !object_of(parse_json(secret.reveal())).isNull(); });
    if (!is_object)
        return core::fail(ErrorKind::SecretUnusable,
                          "owner.secret is not a JSON object, as custom-function needs");
    return secret;
}

core::Secret api_key_body(const core::Secret& key) {
    return one_field("key", key.reveal());
}

core::Secret create_body(const std::string& name) {
    return one_field("name", name);
}

}  // namespace devkey::services
