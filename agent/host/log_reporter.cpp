#include "host/log_reporter.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <exception>
#include <string>

#include "host/log_line.hpp"

namespace devkey::host {
namespace {

// A log that can't be written must not stop what it tells of.
void write_line(int descriptor, const std::string& line) {
    [[maybe_unused]] const auto written = ::write(descriptor, line.data(), line.size());
}

std::string prefix_of(ports::Severity severity, bool priorities) {
    if (priorities) return {'<', priority_of(severity), '>'};  // sd-daemon(3)
    return std::string(name_of(severity)) + ": ";
}

}  // namespace

void LogReporter::report(const ports::Event& event) noexcept {
    try {
        write_line(descriptor_, prefix_of(event.severity, priorities_) + text_of(event) + '\n');
    } catch (const std::exception&) {  // no memory left for a line: nothing could tell of that either
    }
}

void JsonReporter::report(const ports::Event& event) noexcept {
    try {
        write_line(descriptor_, json_of(event, clock_.now()) + '\n');
    } catch (const std::exception&) {  // likewise
    }
}

bool is_journal(int descriptor, const char* journal_stream) {
    struct stat facts{};
    if (journal_stream == nullptr || ::fstat(descriptor, &facts) != 0) return false;
    return fmt::format("{}:{}", facts.st_dev, facts.st_ino) == journal_stream;
}

}  // namespace devkey::host
