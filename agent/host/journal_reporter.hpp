// The log in systemd's journal, with fields of its own.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ports/reporter.hpp"

namespace devkey::host {

/// The parts of the entry for an event, each `NAME=value`: MESSAGE (the line that the text log has),
/// PRIORITY, MESSAGE_ID where that kind has one, SYSLOG_IDENTIFIER, DEVKEY_EVENT, DEVKEY_REASON, and DEVKEY_…
/// for each of its fields.
[[nodiscard]] std::vector<std::string> journal_entry(const ports::Event& event);

/// The same as the journal's native protocol has it (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).
[[nodiscard]] std::string journal_datagram(const std::vector<std::string>& entry);

class JournalReporter final : public ports::Reporter {
 public:
    /// `otherwise` is told what the journal at `socket` doesn't take; it outlives this one. An entry that is
    /// too large for a datagram goes there, too: the journal would take it from a memfd, which the unit
    /// forbids.
    explicit JournalReporter(ports::Reporter& otherwise, std::string socket = "/run/systemd/journal/socket")
        : otherwise_(otherwise), socket_(std::move(socket)) {}

    void report(const ports::Event& event) noexcept override;

 private:
    ports::Reporter& otherwise_;
    std::string socket_;
};

}  // namespace devkey::host
