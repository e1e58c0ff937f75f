// The log in systemd's journal, with fields of its own.
#pragma once

#include <sys/uio.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ports/reporter.hpp"

namespace devkey::host {

/// Hands the parts of one entry, each `NAME=value`, to the journal; as sd_journal_sendv(3): below 0, it
/// failed.
using SendToJournal = std::function<int(const iovec* parts, int count)>;

/// sd_journal_sendv; also fails where no journal is there, which that one calls a success.
[[nodiscard]] int send_to_journal(const iovec* parts, int count);

/// The parts of the entry for an event: MESSAGE (the line that the text log has), PRIORITY, MESSAGE_ID where
/// that kind has one, SYSLOG_IDENTIFIER, DEVKEY_EVENT, DEVKEY_REASON, and DEVKEY_… for each of its fields.
[[nodiscard]] std::vector<std::string> journal_entry(const ports::Event& event);

class JournalReporter final : public ports::Reporter {
 public:
    /// `otherwise` is told what the journal doesn't take; it outlives this one.
    explicit JournalReporter(ports::Reporter& otherwise, SendToJournal send = send_to_journal)
        : otherwise_(otherwise), send_(std::move(send)) {}

    void report(const ports::Event& event) noexcept override;

 private:
    ports::Reporter& otherwise_;
    SendToJournal send_;
};

}  // namespace devkey::host
