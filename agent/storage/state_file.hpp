// state.json: the truth, on disk.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ports/reporter.hpp"
#include "ports/state_store.hpp"
#include "storage/atomic_file.hpp"

namespace devkey::storage {

/// The state as JSON, `"version": 1`.
[[nodiscard]] core::Secret format_state(const core::State& state);

/// Reads back exactly what format_state writes. Corrupt for anything else, naming the field.
[[nodiscard]] core::Result<core::State> parse_state(std::string_view text);

/// What stands in `<directory>/state.json`, for who doesn't hold the directory's StateLock: it changes
/// nothing. None: there is no state. Corrupt, Insecure, Forbidden, Io.
[[nodiscard]] core::Result<std::optional<core::State>> look_at_state(const std::string& directory);

/// `<directory>/state.json`, 0600. Whoever makes one holds the directory's StateLock.
class StateFile : public ports::StateStore {
 public:
    /// `reporter` is told when a mode had to be tightened. Both references outlive it.
    StateFile(std::string directory, ports::Reporter& reporter, FileCalls& calls);

    /// Also removes what a crash left of an unfinished save.
    [[nodiscard]] core::Result<std::optional<core::State>> load() override;
    /// As the port says; Forbidden (permissions) and InvalidInput (a state that would not read back the same)
    /// as well.
    [[nodiscard]] core::Result<void> save(const core::State& state) override;

 private:
    std::string path_;
    ports::Reporter& reporter_;
    FileCalls& calls_;
};

}  // namespace devkey::storage
