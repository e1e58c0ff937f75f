// history.jsonl: who asked for what, what was changed, and why. Appended to, never rewritten.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/time.hpp"
#include "ports/reporter.hpp"

namespace devkey::storage {

/// One JSON object in a line for each event. When the file is full it becomes `history.jsonl.1`, in the place
/// of the one before. Nothing else depends on it: what can't be written is lost, and the agent goes on.
class HistoryFile {
 public:
    static constexpr std::size_t full = 256UL * 1024;  ///< bytes: some 1,000 events
    static constexpr std::size_t longest_line = 4096;

    /// In `directory`, which need not be there yet.
    explicit HistoryFile(const std::string& directory) : path_(directory + "/history.jsonl") {}

    /// Used from any thread. Io: it, or what follows, isn't in the history, and why.
    core::Result<void> append(core::Instant at, const ports::Event& event);

    /// The latest `most` lines, oldest first; what a power cut tore is left out.
    [[nodiscard]] std::vector<std::string> latest(std::size_t most) const;

 private:
    std::string path_;
    mutable std::mutex mutex_;
};

}  // namespace devkey::storage
