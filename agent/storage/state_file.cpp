#include "storage/state_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace devkey::storage {

using core::ErrorKind;
using core::State;

namespace {

constexpr std::size_t longest_state = 1U << 20U;  // a state has some kilobytes

std::string path_of(const std::string& directory) {
    return directory + "/state.json";
}

struct FoundState {
    State state;
    mode_t mode;
};

core::Result<std::optional<FoundState>> read_state_file(const std::string& path) {
    const auto file = read_file(path, longest_state);
    if (!file && file.error().kind == ErrorKind::NotFound) return std::nullopt;
    if (!file) return std::unexpected(file.error());
    if (file->owner != ::geteuid())
        return core::fail(ErrorKind::Insecure, path + ": belongs to uid " + std::to_string(file->owner) +
                                                   ", not to uid " + std::to_string(::geteuid()) +
                                                   " that runs devkeyd; chown it");
    auto state = parse_state(file->content.reveal());
    if (!state)
        return core::fail(
            ErrorKind::Corrupt,
            path + ": " + state.error().message +
                "; restore it from a backup of this device, or move it aside to start as a new "
                "installation (the old key then stays on the service until somebody removes it)");
    return FoundState{*std::move(state), file->mode};
}

}  // namespace

core::Result<std::optional<State>> look_at_state(const std::string& directory) {
    auto found = read_state_file(path_of(directory));
    if (!found) return std::unexpected(std::move(found.error()));
    return *found ? std::optional(std::move((*found)->state)) : std::nullopt;
}

StateFile::StateFile(std::string directory, ports::Reporter& reporter, FileCalls& calls)
    : path_(path_of(directory)), reporter_(reporter), calls_(calls) {}

core::Result<std::optional<State>> StateFile::load() {
    remove_leftover(path_);
    auto found = read_state_file(path_);
    if (!found) return std::unexpected(std::move(found.error()));
    if (!*found) return std::nullopt;
    // What is done next rests on it.
    if (auto synced = sync_directory_of(calls_, path_); !synced) return std::unexpected(synced.error());
    auto& [state, mode] = **found;
    if ((mode & 077U) != 0) {
        reporter_.report({.severity = ports::Severity::Warning,
                          .name = "state-file-loosened",
                          .message = path_ + ": others may have read it; its mode is set back to 0600"});
        if (auto saved = save(state); !saved) return std::unexpected(saved.error());
    }
    return std::move(state);
}

core::Result<void> StateFile::save(const State& state) {
    const auto text = format_state(state);
    // A state that can't be read back would lock us out at the next start: the old one is better.
    const auto again = parse_state(text.reveal());
    if (!again || *again != state)
        return core::fail(ErrorKind::InvalidInput,
                          path_ + ": not saved, for it would not read back the same" +
                              (again ? std::string{} : ": " + again.error().message));
    return write_file(calls_, path_, text.reveal(), {.mode = 0600});
}

}  // namespace devkey::storage
