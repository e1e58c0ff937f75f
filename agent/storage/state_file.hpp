// state.json: the truth, on disk.
#pragma once

#include <string>

#include "ports/reporter.hpp"
#include "ports/state_store.hpp"
#include "storage/file_calls.hpp"
#include "storage/read_file.hpp"

namespace devkey::storage {

/// `DIRECTORY/state.json`, mode 0600, ours. Take the StateLock first: one writer at a time.
class StateFile final : public ports::StateStore {
 public:
    /// `calls` and `reporter` must outlive it; `reporter` (may be null) is told when a mode was mended.
    StateFile(const std::string& directory, FileCalls& calls, ports::Reporter* reporter = nullptr);

    /// Also removes what a crash left of an unfinished save, and takes away what others may do with the file.
    /// Corrupt: anything but what save wrote; a file that is there is never taken for missing.
    /// Insecure: another owner's, a symbolic link, not a regular file. Forbidden: not permitted. Io.
    [[nodiscard]] core::Result<std::optional<core::State>> load() override;

    /// Errors as write_file; InvalidInput: a state that could not be read back.
    [[nodiscard]] core::Result<void> save(const core::State& state) override;

 private:
    core::Result<void> secure(const OpenedFile& file);

    std::string path_;
    FileCalls& calls_;
    ports::Reporter* reporter_;
};

}  // namespace devkey::storage
