#include "storage/requests_file.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <utility>

#include "storage/json_fields.hpp"
#include "storage/wiped_text.hpp"

namespace devkey::storage {

using core::ErrorKind;
using core::Request;
using core::Result;

namespace {

constexpr std::size_t longest = 4096;
constexpr std::uint32_t version = 1;
constexpr const char* remedy =
    "; remove it, and ask again with devkeyd --decommission, --recommission or --take-over";

constexpr std::array words{std::pair{Request::Decommission, "decommission"},
                           std::pair{Request::Recommission, "recommission"},
                           std::pair{Request::TakeOver, "take-over"}};

Request read_request(std::string_view text) {
    const auto json = parse_object(text);
    JsonFields fields{json.object(), ""};
    if (fields.number("version") != version) fields.refuse("version", "is not 1");
    const auto word = fields.text("request");
    fields.done();
    for (const auto& [request, name] : words)
        if (word == name) return request;
    fields.refuse("request", "has an unknown value");
}

}  // namespace

std::string requests_path(const std::string& directory) {
    return directory + "/requests.json";
}

Result<Request> load_request(const std::string& directory) {
    const auto path = requests_path(directory);
    const auto file = read_file(path, longest);
    if (!file && file.error().kind == ErrorKind::NotFound) return Request::None;
    if (!file) return core::fail(file.error().kind, file.error().message + remedy);
    if (file->owner != ::geteuid())
        return core::fail(ErrorKind::Insecure, path + ": belongs to uid " + std::to_string(file->owner) +
                                                   ", not to uid " + std::to_string(::geteuid()) +
                                                   " that runs devkeyd" + remedy);
    if ((file->mode & 022U) != 0)
        return core::fail(ErrorKind::Insecure, path + ": others may write it" + remedy);
    try {
        return read_request(file->content.reveal());
    } catch (const Poco::DataFormatException& error) {
        return core::fail(ErrorKind::Corrupt, path + ": " + error.message() + remedy);
    } catch (const std::exception&) {
        return core::fail(ErrorKind::Corrupt, path + ": is not whole JSON" + remedy);
    }
}

Result<void> save_request(FileCalls& calls, const std::string& directory, Request request) {
    std::string text;
    for (const auto& [known, name] : words)
        if (known == request) text = std::string(R"({"version": 1, "request": ")") + name + "\"}\n";
    return write_file(calls, requests_path(directory), text, {.mode = 0600});
}

Result<void> forget_request(FileCalls& calls, const std::string& directory) {
    return remove_file(calls, requests_path(directory));
}

}  // namespace devkey::storage
