#include "storage/requests_file.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <sstream>
#include <utility>

#include "json/fields.hpp"
#include "storage/descriptor.hpp"
#include "storage/wiped_text.hpp"

namespace devkey::storage {

using core::Asking;
using core::ErrorKind;
using core::Request;
using core::Result;

namespace {

constexpr std::size_t longest = 4096;
constexpr std::uint32_t requests_version = 1;
constexpr const char* remedy = "; remove it, and ask again with devkeyctl";

constexpr std::array requests{
    Request::Decommission, Request::Recommission, Request::TakeOver,    Request::Rotate, Request::Rollback,
    Request::Disable,      Request::Enable,       Request::Acknowledge, Request::Pause,  Request::Resume};

Asking read_request(std::string_view text) {
    const auto json = json::parse_object(text);
    json::Fields fields{json.object(), ""};
    if (fields.number("version") != requests_version) fields.refuse("version", "is not 1");
    Asking asking;
    const auto word = fields.text("request");
    const auto request = std::ranges::find(requests, word, [](Request one) { return core::name_of(one); });
    if (request == requests.end()) fields.refuse("request", "has an unknown value");
    asking.request = *request;
    const auto optional = [&](const char* name) { return fields.has(name) ? fields.text_or_none(name) : ""; };
    asking.id = optional("id");
    asking.why = optional("why");
    asking.by = optional("by");
    if (core::names_a_generation(asking.request)) asking.generation = fields.number("generation");
    if (asking.request == Request::Rotate) asking.compromised = fields.flag("compromised");
    if (asking.request == Request::Pause && fields.has("until")) asking.until = fields.instant("until");
    fields.done();
    return asking;
}

std::string format_request(const Asking& asking) {
    Poco::JSON::Object json{Poco::JSON_PRESERVE_KEY_ORDER};
    json.set("version", requests_version);
    json.set("request", std::string(core::name_of(asking.request)));
    json.set("id", asking.id);
    if (core::names_a_generation(asking.request)) json.set("generation", asking.generation);
    if (asking.request == Request::Rotate) json.set("compromised", asking.compromised);
    if (asking.until) json.set("until", core::format_instant(*asking.until));
    if (!asking.why.empty()) json.set("why", asking.why);
    if (!asking.by.empty()) json.set("by", asking.by);
    std::ostringstream text;
    json.stringify(text);
    return text.str();
}

/// Who writes or removes the file holds it, so that no request is removed that was written in between. On the
/// directory, which only we may open: a file for it would be one more to look after.
Result<Descriptor> hold(const std::string& directory, int how) {
    Descriptor held{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!held.valid()) return std::unexpected(file_error("open", directory, errno));
    int done = 0;
    do done = ::flock(held.get(), how);
    while (done != 0 && errno == EINTR);
    if (done == 0) return held;
    if (errno != EWOULDBLOCK) return std::unexpected(file_error("lock", directory, errno));
    return core::fail(ErrorKind::Unavailable, requests_path(directory) + ": is just being written");
}

}  // namespace

std::string requests_path(const std::string& directory) {
    return directory + "/requests.json";
}

Result<Asking> load_request(const std::string& directory) {
    const auto path = requests_path(directory);
    const auto file = read_file(path, longest);
    if (!file && file.error().kind == ErrorKind::NotFound) return Asking{};
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

Result<void> save_request(FileCalls& calls, const std::string& directory, const Asking& asking,
                          Patience patience) {
    const auto held = hold(directory, patience == Patience::Wait ? LOCK_EX : LOCK_EX | LOCK_NB);
    if (!held) return std::unexpected(held.error());
    return write_file(calls, requests_path(directory), format_request(asking) + "\n", {.mode = 0600});
}

Result<void> forget_request(FileCalls& calls, const std::string& directory, const Asking& done) {
    // Without waiting: a writer that hangs must not hang the daemon.
    const auto held = hold(directory, LOCK_EX | LOCK_NB);
    if (!held) return std::unexpected(held.error());
    const auto there = load_request(directory);
    if (!there) return std::unexpected(there.error());
    if (*there != done) return {};
    return remove_file(calls, requests_path(directory));
}

}  // namespace devkey::storage
