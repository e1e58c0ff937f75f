// Reports to the log, and writes down in the history what was changed or asked for.
#pragma once

#include "ports/clock.hpp"
#include "ports/reporter.hpp"
#include "storage/history_file.hpp"

namespace devkey {

/// Every notice is about a change, or what somebody asked for: that is what the history is for.
class Recorder final : public ports::Reporter {
 public:
    /// All outlive it.
    Recorder(ports::Reporter& log, storage::HistoryFile& history, const ports::Clock& clock)
        : log_(log), history_(history), clock_(clock) {}

    void report(const ports::Event& event) noexcept override {
        log_.report(event);
        if (event.severity == ports::Severity::Notice) history_.append(clock_.now(), event);
    }

 private:
    ports::Reporter& log_;
    storage::HistoryFile& history_;
    const ports::Clock& clock_;
};

}  // namespace devkey
