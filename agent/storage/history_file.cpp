#include "storage/history_file.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/TextConverter.h>
#include <Poco/UTF8Encoding.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <iterator>
#include <sstream>
#include <system_error>

#include "json/fields.hpp"
#include "storage/atomic_file.hpp"
#include "storage/descriptor.hpp"

namespace devkey::storage {

namespace {

/// What a server said, perhaps: at most 500 bytes of it; what isn't UTF-8 becomes U+FFFD, for JSON has no way
/// to hold it.
std::string kept_of(std::string_view text) {
    constexpr int replacement = 0xfffd;
    const Poco::UTF8Encoding utf8;
    std::string kept;
    Poco::TextConverter{utf8, utf8, replacement}.convert(std::string{text.substr(0, 500)}, kept);
    return kept;
}

std::string line_of(core::Instant at, const ports::Event& event) {
    Poco::JSON::Object json{Poco::JSON_PRESERVE_KEY_ORDER};
    json.set("at", core::format_instant(core::writable(at)));
    json.set("event", std::string(event.name));
    json.set("message", kept_of(event.message));
    for (const auto& [name, value] : event.fields) json.set(std::string(name), kept_of(value));
    std::ostringstream text;
    json.stringify(text);
    return text.str();
}

/// One object, and nothing beside it: Poco reads no further than the object's end, so another field has to
/// come after it.
bool is_whole(const std::string& line) {
    try {
        const auto size = std::to_string(line.size());
        const auto json = json::parse_object("{\"lines\":[" + line + "],\"size\":\"" + size + "\"}");
        const auto lines = json.object().getArray("lines");
        return !lines.isNull() && lines->size() == 1 && lines->isObject(0U) &&
               json.object().getValue<std::string>("size") == size;
    } catch (const std::exception&) {
        return false;
    }
}

/// A power cut may have torn the last line: the next begins on its own.
bool ends_in_a_line(int file, off_t size) {
    char last = '\n';
    return size == 0 || (::pread(file, &last, 1, size - 1) == 1 && last == '\n');
}

/// Adds its whole lines, the latest first, until there are `most`: a line more costs a while to judge.
void add_latest_of(const std::string& path, std::size_t most, std::vector<std::string>& lines) {
    const auto file = read_file(path, HistoryFile::full + 2 * HistoryFile::longest_line);
    std::string_view text = file ? file->content.reveal() : std::string_view{};
    while (!text.empty() && lines.size() < most) {
        const auto begin = text.find_last_of('\n') + 1;  // npos: 0
        if (std::string line{text.substr(begin)}; is_whole(line)) lines.push_back(std::move(line));
        text = text.substr(0, begin == 0 ? 0 : begin - 1);
    }
}

}  // namespace

core::Result<void> HistoryFile::append(core::Instant at, const ports::Event& event) {
    const auto failed = [this](const std::string& why) {
        return core::fail(core::ErrorKind::Io, path_ + ": " + why);
    };
    const auto refused = [&failed](const char* what) {
        return failed(std::string(what) + ": " + std::generic_category().message(errno));
    };
    auto line = line_of(at, event);
    if (line.size() >= longest_line)
        return failed("the event " + std::string(event.name) + " is longer than a line may be (" +
                      std::to_string(longest_line) + " bytes)");
    const std::scoped_lock lock{mutex_};
    Descriptor file{::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    struct stat there{};
    if (!file.valid() || ::fstat(file.get(), &there) != 0) return refused("it can't be opened");
    if (!S_ISREG(there.st_mode)) return failed("it is no file");
    line = (ends_in_a_line(file.get(), there.st_size) ? "" : "\n") + line + "\n";
    const auto written = ::write(file.get(), line.data(), line.size());
    if (written < 0) return refused("it can't be written");
    if (static_cast<std::size_t>(written) < line.size()) return failed("there is no space for a whole line");
    const bool is_full = static_cast<std::size_t>(there.st_size) + line.size() >= full;
    if (is_full && std::rename(path_.c_str(), (path_ + ".1").c_str()) != 0)
        return refused("it is full and can't be renamed");
    return {};
}

std::vector<std::string> HistoryFile::latest(std::size_t most) const {
    const std::scoped_lock lock{mutex_};
    std::vector<std::string> lines;
    add_latest_of(path_, most, lines);
    add_latest_of(path_ + ".1", most, lines);
    std::ranges::reverse(lines);
    return lines;
}

}  // namespace devkey::storage
