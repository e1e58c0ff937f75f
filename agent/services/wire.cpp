#include "services/wire.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/JSONString.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace devkey::services {

using core::ErrorKind;
using core::Result;
using Poco::JSON::Array;
using Poco::JSON::Object;

namespace {

constexpr std::size_t deepest = 16;
constexpr std::size_t longest_id = 64;
constexpr std::size_t longest_quote = 200;

/// Texts are where secrets are. Poco gives no way to change one in place; the memory is not const, though.
void wipe_texts(const Poco::Dynamic::Var& json) noexcept {
    if (json.isString()) {
        core::wipe(const_cast<std::string&>(json.extract<std::string>()));
    } else if (json.type() == typeid(Object::Ptr)) {
        for (const auto& [name, value] : *json.extract<Object::Ptr>()) wipe_texts(value);
    } else if (json.type() == typeid(Array::Ptr)) {
        for (const auto& value : *json.extract<Array::Ptr>()) wipe_texts(value);
    }
}

/// A parsed text, wiped at its end. (What the parser itself copied on the way is out of our reach.) Throws
/// what Poco throws.
class Document {
 public:
    explicit Document(std::string_view text) {
        std::string copy(text);
        Poco::JSON::Parser parser;
        parser.setDepth(deepest);
        try {
            json_ = parser.parse(copy);
        } catch (...) {
            core::wipe(copy);
            throw;
        }
        core::wipe(copy);
    }
    Document(const Document&) = delete;
    Document& operator=(const Document&) = delete;
    ~Document() { wipe_texts(json_); }

    [[nodiscard]] const Object& object() const { return object_of(json_); }
    [[nodiscard]] const Array& array() const {
        if (json_.type() != typeid(Array::Ptr)) throw Poco::DataFormatException("not a list");
        return *json_.extract<Array::Ptr>();
    }
    [[nodiscard]] static const Object& object_of(const Poco::Dynamic::Var& json) {
        if (json.type() != typeid(Object::Ptr)) throw Poco::DataFormatException("not an object");
        return *json.extract<Object::Ptr>();
    }

 private:
    Poco::Dynamic::Var json_;
};

/// Null if there is no text of that name. Object::get would make a copy that nobody wipes.
const std::string* find_text(const Object& json, std::string_view name) {
    const auto found = std::ranges::find_if(json, [&](const auto& field) { return field.first == name; });
    return found != json.end() && found->second.isString() ? &found->second.extract<std::string>() : nullptr;
}

const std::string& text_of(const Object& json, const std::string& name) {
    const auto* text = find_text(json, name);
    if (text == nullptr || text->empty()) throw Poco::DataFormatException("'" + name + "' is not a text");
    return *text;
}

/// A secret that is sent in a header's line.
core::Secret secret_of(const Object& json, const std::string& name) {
    const auto& text = text_of(json, name);
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::ranges::any_of(text, is_control))
        throw Poco::DataFormatException("'" + name + "' is more than one line of text");
    return core::Secret{text};
}

std::string id_of(const Object& json, const std::string& name) {
    const auto& id = text_of(json, name);
    if (!is_id(id)) throw Poco::DataFormatException("'" + name + "' is not an id");
    return id;
}

core::ListedKey key_of(const Object& json) {
    const auto disabled = json.get("disabled");
    if (!disabled.isBoolean()) throw Poco::DataFormatException("'disabled' is not true or false");
    return {.id = id_of(json, "_id"), .name = text_of(json, "name"), .enabled = !disabled.extract<bool>()};
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

/// A JSON object of texts; it leaves no copy of a value behind but the library's own.
core::Secret object_with(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
    std::string text;
    for (const auto& [name, value] : fields) {
        std::string plain(value);
        std::string quoted = Poco::toJSON(plain, Poco::JSON_WRAP_STRINGS);
        std::string longer;
        longer.reserve(text.size() + name.size() + quoted.size() + 5);
        longer.append(text).append(text.empty() ? "{\"" : ",\"").append(name).append("\":").append(quoted);
        for (auto* copy : {&plain, &quoted, &text}) core::wipe(*copy);
        text = std::move(longer);
    }
    text += '}';
    return core::Secret::take(text);
}

}  // namespace

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= longest_id && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    });
}

std::string clean(std::string text) {
    std::erase_if(text, [](char c) { return c < ' ' || c > '~'; });
    return text.substr(0, longest_quote);
}

Result<std::string> parse_location(std::string_view body) {
    return guarded("location", [&] {
        const Document json(body);
        const std::string hostname = text_of(json.object(), "hostname");
        if (hostname != clean(hostname)) throw Poco::DataFormatException("'hostname' is not a URL");
        return hostname;
    });
}

Result<Session> parse_session(std::string_view body) {
    return guarded("session", [&] {
        const Document json(body);
        return Session{.user_id = id_of(json.object(), "user_id"),
                       .refresh_token = secret_of(json.object(), "refresh_token")};
    });
}

Result<ports::CreatedKey> parse_created_key(std::string_view body) {
    return guarded("new key", [&] {
        const Document json(body);
        return ports::CreatedKey{.id = id_of(json.object(), "_id"),
                                 .name = text_of(json.object(), "name"),
                                 .secret = secret_of(json.object(), "key")};
    });
}

Result<core::ListedKey> parse_key(std::string_view body) {
    return guarded("key", [&] { return key_of(Document(body).object()); });
}

Result<std::vector<core::ListedKey>> parse_keys(std::string_view body) {
    return guarded("list of keys", [&] {
        const Document json(body);
        std::vector<core::ListedKey> keys;
        for (const auto& item : json.array()) keys.push_back(key_of(Document::object_of(item)));
        return keys;
    });
}

ErrorBody parse_error(std::string_view body) {
    const auto parsed = guarded("error", [&] {
        const Document json(body);
        const auto text = [&](const char* name) {
            const auto* found = find_text(json.object(), name);
            return found == nullptr ? std::string() : *found;
        };
        const auto code = text("error_code");
        return ErrorBody{.text = clean(text("error")), .code = is_id(code) ? code : ""};
    });
    return parsed.value_or(ErrorBody{});
}

Result<core::Secret> log_in_body(const core::OwnerSettings& owner, const core::Secret& secret) {
    switch (owner.provider) {
        case core::OwnerProvider::LocalUserpass:
            return object_with(
                {{"password", secret.reveal()}, {"username", std::string_view(owner.username)}});
        case core::OwnerProvider::CustomToken:
            return object_with({{"token", secret.reveal()}});
        case core::OwnerProvider::CustomFunction:
            break;
    }
    const auto is_object = guarded("JSON object", [&] {
        const Document json(secret.reveal());
        return json.object().size();
    });
    if (!is_object)
        return core::fail(ErrorKind::SecretUnusable,
                          "owner.secret is not a JSON object, as custom-function needs");
    return secret;
}

core::Secret api_key_body(const core::Secret& key) {
    return object_with({{"key", key.reveal()}});
}

core::Secret create_body(const std::string& name) {
    return object_with({{"name", name}});
}

}  // namespace devkey::services
