#include "json/fields.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <limits>

namespace devkey::json {

using Poco::JSON::Array;
using Poco::JSON::Object;

namespace {

constexpr std::size_t deepest = 8;

/// A name as somebody has written it, fit for a line of a log.
std::string shown(const std::string& name) {
    constexpr std::size_t longest = 64;
    const auto is_plain = [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > 0x20 && byte < 0x7f && c != '\'';
    };
    const bool plain = !name.empty() && name.size() <= longest && std::ranges::all_of(name, is_plain);
    return plain ? "field '" + name + "'" : "a field of an odd name";
}

class StrictHandler : public Poco::JSON::ParseHandler {
 public:
    void startObject() override {
        names_.emplace_back();
        ParseHandler::startObject();
    }
    void endObject() override {
        names_.pop_back();
        ParseHandler::endObject();
    }
    void key(const std::string& name) override {
        if (!names_.back().insert(name).second)
            throw Poco::DataFormatException(shown(name) + " stands there twice");
        ParseHandler::key(name);
    }

 private:
    std::vector<std::set<std::string>> names_;
};

/// Poco gives no way to change a text in place; the memory is not const, though.
std::string& text_in(const Poco::Dynamic::Var& json) {
    return const_cast<std::string&>(json.extract<std::string>());
}

void wipe_texts(const Poco::Dynamic::Var& json) noexcept {
    if (json.isString()) {
        core::wipe(text_in(json));
    } else if (json.type() == typeid(Object::Ptr)) {
        for (const auto& [name, value] : *json.extract<Object::Ptr>()) wipe_texts(value);
    } else if (json.type() == typeid(Array::Ptr)) {
        for (const auto& value : *json.extract<Array::Ptr>()) wipe_texts(value);
    }
}

/// Object::get would make a copy that nobody wipes. Null: there is none of that name.
const Poco::Dynamic::Var* find(const Object& json, std::string_view name) {
    const auto found = std::ranges::find_if(json, [&](const auto& field) { return field.first == name; });
    return found == json.end() ? nullptr : &found->second;
}

}  // namespace

WipedJson::~WipedJson() {
    wipe_texts(json_);
}

const Object& WipedJson::object() const {
    if (json_.type() != typeid(Object::Ptr)) throw Poco::DataFormatException("is not a JSON object");
    return *json_.extract<Object::Ptr>();
}

void set_secret(Object& json, const std::string& name, const core::Secret& secret) {
    json.set(name, std::string{});
    text_in(*find(json, name)).assign(secret.reveal());
}

WipedJson parse_object(std::string_view text) {
    const Poco::JSON::Handler::Ptr handler{new StrictHandler};
    Poco::JSON::Parser parser{handler};
    parser.setDepth(deepest);
    std::string copy(text);
    try {
        parser.parse(copy);
    } catch (...) {
        core::wipe(copy);
        throw;
    }
    core::wipe(copy);
    return WipedJson{parser.result()};
}

void Fields::refuse(const std::string& name, const std::string& why) const {
    throw Poco::DataFormatException("field '" + path_ + name + "' " + why);
}

const Poco::Dynamic::Var& Fields::value(const std::string& name) {
    asked_.insert(name);
    const auto* found = find(object_, name);
    if (found == nullptr) refuse(name, "is missing");
    return *found;
}

std::string Fields::text_or_none(const std::string& name) {
    const auto& found = value(name);
    if (!found.isString()) refuse(name, "is not a text");
    return found.extract<std::string>();
}

std::string Fields::text(const std::string& name) {
    auto found = text_or_none(name);
    if (found.empty()) refuse(name, "is empty");
    return found;
}

std::uint32_t Fields::number(const std::string& name) {
    const auto& found = value(name);
    if (!found.isInteger() || found.isBoolean()) refuse(name, "is not a whole number");
    const auto number = found.convert<std::int64_t>();
    if (number < 0 || number > std::numeric_limits<std::uint32_t>::max()) refuse(name, "is out of range");
    return static_cast<std::uint32_t>(number);
}

core::Instant Fields::instant(const std::string& name) {
    const auto parsed = core::parse_instant(text(name));
    if (!parsed) refuse(name, "is not a time");  // the parser's message would quote it
    return *parsed;
}

bool Fields::has(const std::string& name) {
    asked_.insert(name);
    return object_.has(name);
}

Fields Fields::object(const std::string& name) {
    if (value(name).type() != typeid(Object::Ptr)) refuse(name, "is not an object");
    return {*object_.getObject(name), path_ + name + "."};
}

std::vector<std::string> Fields::texts(const std::string& name) {
    if (value(name).type() != typeid(Array::Ptr)) refuse(name, "is not a list");
    std::vector<std::string> texts;
    for (const auto& item : *object_.getArray(name)) {
        if (!item.isString()) refuse(name, "holds something that is not a text");
        texts.push_back(item.extract<std::string>());
    }
    return texts;
}

bool Fields::flag(const std::string& name) {
    const auto& found = value(name);
    if (!found.isBoolean()) refuse(name, "is neither true nor false");
    return found.extract<bool>();
}

std::vector<Fields> Fields::objects(const std::string& name) {
    std::vector<Fields> objects;
    if (!has(name)) return objects;
    if (value(name).type() != typeid(Array::Ptr)) refuse(name, "is not a list");
    const auto list = object_.getArray(name);
    for (unsigned at = 0; at < list->size(); ++at) {
        const auto place = name + "[" + std::to_string(at) + "]";
        if (!list->isObject(at)) refuse(place, "is not an object");
        objects.emplace_back(*list->getObject(at), path_ + place + ".");
    }
    return objects;
}

void Fields::done() const {
    for (const auto& [name, ignored] : object_)
        if (!asked_.contains(name))
            throw Poco::DataFormatException(shown(path_ + name) + " is unknown to this version");
}

}  // namespace devkey::json
