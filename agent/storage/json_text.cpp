#include "storage/json_text.hpp"

#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Parser.h>

#include <set>
#include <string>
#include <vector>

namespace devkey::storage {
namespace {

constexpr std::size_t deepest = 8;

/// Poco keeps the last of two fields with one name; we must not choose.
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
            throw WrongText("the field '" + name + "' stands there twice");
        ParseHandler::key(name);
    }

 private:
    std::vector<std::set<std::string>> names_;
};

}  // namespace

JsonWriter::JsonWriter(std::size_t capacity)
    : capacity_(capacity),
      data_(std::make_unique_for_overwrite<char[]>(capacity)),
      out_(std::span<char>(data_.get(), capacity)),
      printer_(out_, 2) {
    printer_.startObject();
}

JsonWriter::~JsonWriter() {
    core::wipe(data_.get(), out_.span().size());
}

void JsonWriter::field(const char* name, std::string_view value) {
    printer_.key(name);
    std::string text{value};
    printer_.value(text);
    core::wipe(text);
}

void JsonWriter::field(const char* name, std::uint32_t value) {
    printer_.key(name);
    printer_.value(static_cast<unsigned>(value));
}

void JsonWriter::open(const char* name) {
    printer_.key(name);
    printer_.startObject();
}

void JsonWriter::close() {
    printer_.endObject();
}

core::Result<core::Secret> JsonWriter::finish() {
    printer_.endObject();
    out_ << '\n';
    if (!out_)
        return core::fail(core::ErrorKind::Io,
                          "can't write more than " + std::to_string(capacity_) + " bytes of JSON");
    return core::Secret{std::string_view{out_.span().data(), out_.span().size()}};
}

Poco::JSON::Object::Ptr read_json(std::string_view text) {
    const Poco::JSON::Handler::Ptr handler{new StrictHandler};
    Poco::JSON::Parser parser{handler};
    parser.setDepth(deepest);
    std::string copy{text};
    Poco::Dynamic::Var root;
    try {
        root = parser.parse(copy);
    } catch (...) {
        core::wipe(copy);
        throw;
    }
    core::wipe(copy);
    return root.extract<Poco::JSON::Object::Ptr>();
}

}  // namespace devkey::storage
