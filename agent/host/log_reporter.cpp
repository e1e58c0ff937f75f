#include "host/log_reporter.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <exception>
#include <iterator>
#include <string>
#include <string_view>

namespace devkey::host {
namespace {

struct Prefix {
    std::string_view journal;  // sd-daemon(3)
    std::string_view text;
};

Prefix prefix_of(ports::Severity severity) {
    switch (severity) {
        case ports::Severity::Info:
            return {"<6>", "info: "};
        case ports::Severity::Notice:
            return {"<5>", "notice: "};
        case ports::Severity::Warning:
            return {"<4>", "warning: "};
        case ports::Severity::Error:
            break;
    }
    return {"<3>", "error: "};
}

void append_escaped(std::string& line, std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f)
            fmt::format_to(std::back_inserter(line), "\\x{:02x}", byte);
        else
            line += c;
    }
}

std::string line_of(const ports::Event& event, bool priorities) {
    const auto prefix = prefix_of(event.severity);
    std::string line{priorities ? prefix.journal : prefix.text};
    append_escaped(line, event.name);
    line += ": ";
    append_escaped(line, event.message);
    std::string_view separator = " (";
    for (const auto& [name, value] : event.fields) {
        line += separator;
        append_escaped(line, name);
        line += '=';
        append_escaped(line, value);
        separator = ", ";
    }
    if (!event.fields.empty()) line += ')';
    line += '\n';
    return line;
}

}  // namespace

void LogReporter::report(const ports::Event& event) noexcept {
    try {
        const std::string line = line_of(event, priorities_);
        // A log that can't be written must not stop what it tells of.
        [[maybe_unused]] const auto written = ::write(descriptor_, line.data(), line.size());
    } catch (const std::exception&) {  // no memory left for a line: nothing could tell of that either
    }
}

bool is_journal(int descriptor, const char* journal_stream) {
    struct stat facts{};
    if (journal_stream == nullptr || ::fstat(descriptor, &facts) != 0) return false;
    return fmt::format("{}:{}", facts.st_dev, facts.st_ino) == journal_stream;
}

}  // namespace devkey::host
