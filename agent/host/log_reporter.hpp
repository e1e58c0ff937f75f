// The log on a descriptor: one line for each event.
#pragma once

#include "ports/clock.hpp"
#include "ports/reporter.hpp"

namespace devkey::host {

/// Writes `name: message (field=value, …)` to a descriptor, each line in one write, so that threads don't
/// mix. Control characters are escaped: what a server said can't forge a line.
class LogReporter final : public ports::Reporter {
 public:
    /// `priorities`: whether each line starts with systemd's `<N>`, or else with the severity's name.
    LogReporter(int descriptor, bool priorities) : descriptor_(descriptor), priorities_(priorities) {}

    void report(const ports::Event& event) noexcept override;

 private:
    int descriptor_;
    bool priorities_;
};

/// Likewise, but each line is a JSON object (see log_line.hpp).
class JsonReporter final : public ports::Reporter {
 public:
    /// `clock` outlives it.
    JsonReporter(int descriptor, const ports::Clock& clock) : descriptor_(descriptor), clock_(clock) {}

    void report(const ports::Event& event) noexcept override;

 private:
    int descriptor_;
    const ports::Clock& clock_;
};

/// Whether `descriptor` is the journal's: `journal_stream` is $JOURNAL_STREAM, `device:inode` (null: not
/// set).
[[nodiscard]] bool is_journal(int descriptor, const char* journal_stream);

}  // namespace devkey::host
