// JSON that may hold secrets: written into one buffer that is wiped, read strictly.
#pragma once

#include <Poco/JSON/Object.h>
#include <Poco/JSON/PrintHandler.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <spanstream>
#include <stdexcept>
#include <string_view>

#include "core/error.hpp"
#include "core/secret.hpp"

namespace devkey::storage {

/// Writes one object, indented. No copy of a value is left behind in memory.
class JsonWriter {
 public:
    /// `capacity` in bytes is what the text may take at most.
    explicit JsonWriter(std::size_t capacity);
    JsonWriter(const JsonWriter&) = delete;
    JsonWriter& operator=(const JsonWriter&) = delete;
    ~JsonWriter();

    void field(const char* name, std::string_view value);
    void field(const char* name, std::uint32_t value);
    /// Between open and close, fields are those of an object in the field `name`.
    void open(const char* name);
    void close();

    /// Ends the object. Io: it didn't fit.
    [[nodiscard]] core::Result<core::Secret> finish();

 private:
    std::size_t capacity_;
    std::unique_ptr<char[]> data_;
    std::ospanstream out_;
    Poco::JSON::PrintHandler printer_;
};

/// What is wrong with a text, without quoting a value of it.
class WrongText : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

/// Reads one object, at most 8 levels deep; nothing may stand after it. Throws WrongText for a doubled field,
/// Poco::Exception or std::exception for the rest (these may quote values): the caller's edge catches.
[[nodiscard]] Poco::JSON::Object::Ptr read_json(std::string_view text);

}  // namespace devkey::storage
