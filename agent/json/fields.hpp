// Strict reading of a JSON object of ours: every field is asked for by name, and what nobody asked for is an
// error.
#pragma once

#include <Poco/JSON/Object.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/secret.hpp"
#include "core/time.hpp"

namespace devkey::json {

/// An object of ours, whose texts are wiped at its end: that is where secrets are. (What Poco itself copies
/// on the way is out of our reach.)
class WipedJson {
 public:
    explicit WipedJson(const Poco::Dynamic::Var& json) : json_(json) {}
    WipedJson(const WipedJson&) = delete;
    WipedJson& operator=(const WipedJson&) = delete;
    ~WipedJson();

    /// Throws Poco::DataFormatException if it is something else.
    [[nodiscard]] const Poco::JSON::Object& object() const;

 private:
    Poco::Dynamic::Var json_;
};

/// Sets a field to a secret without the copies that Object::set makes.
void set_secret(Poco::JSON::Object& json, const std::string& name, const core::Secret& secret);

/// The object in `text`, at most 8 levels deep. Poco keeps the last of two fields with one name: here that is
/// a Poco::DataFormatException. Throws Poco::Exception for the rest, whose message may quote the text.
[[nodiscard]] WipedJson parse_object(std::string_view text);

/// Throws Poco::DataFormatException, naming the field by its path, wherever the object isn't as expected.
class Fields {
 public:
    Fields(const Poco::JSON::Object& object, std::string path) : object_(object), path_(std::move(path)) {}

    [[nodiscard]] std::string text(const std::string& name);
    [[nodiscard]] std::string text_or_none(const std::string& name);  ///< empty is allowed
    [[nodiscard]] std::uint32_t number(const std::string& name);
    [[nodiscard]] core::Instant instant(const std::string& name);
    [[nodiscard]] bool has(const std::string& name);
    [[nodiscard]] Fields object(const std::string& name);
    [[nodiscard]] std::vector<std::string> texts(const std::string& name);
    [[nodiscard]] bool flag(const std::string& name);
    /// A list of objects; a missing one is an empty one.
    [[nodiscard]] std::vector<Fields> objects(const std::string& name);
    /// Throws if there is a field that nobody asked for.
    void done() const;
    [[noreturn]] void refuse(const std::string& name, const std::string& why) const;

 private:
    [[nodiscard]] const Poco::Dynamic::Var& value(const std::string& name);

    const Poco::JSON::Object& object_;
    std::string path_;
    std::set<std::string> asked_;
};

}  // namespace devkey::json
