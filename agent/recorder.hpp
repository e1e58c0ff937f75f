// Reports to the log, and writes down in the history what was changed or asked for.
#pragma once

#include <atomic>
#include <exception>

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
        if (event.severity == ports::Severity::Notice) record(event);
    }

 private:
    void record(const ports::Event& event) noexcept {
        try {
            const auto written = history_.append(clock_.now(), event);
            const bool told = told_.exchange(!written);
            if (!written && !told)
                log_.report({.severity = ports::Severity::Warning,
                             .name = "history-not-written",
                             .message = "what happens isn't written down: " + written.error().message});
        } catch (const std::exception&) {
            return;  // no memory: nothing depends on it
        }
    }

    ports::Reporter& log_;
    storage::HistoryFile& history_;
    const ports::Clock& clock_;
    std::atomic<bool> told_{false};  // that it can't be written: once, until it can
};

}  // namespace devkey
