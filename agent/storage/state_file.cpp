#include "storage/state_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "storage/atomic_file.hpp"
#include "storage/file_error.hpp"
#include "storage/state_text.hpp"

namespace devkey::storage {
namespace {

constexpr mode_t state_mode = 0600;

constexpr std::string_view corrupt_remedy =
    "restore it, or move it away to start as a new installation: then a new key is created, and the old one "
    "stays on the service until a person removes it";

}  // namespace

StateFile::StateFile(const std::string& directory, FileCalls& calls, ports::Reporter* reporter)
    : path_(directory + "/state.json"), calls_(calls), reporter_(reporter) {}

core::Result<std::optional<core::State>> StateFile::load() {
    remove_leftover(path_, calls_);
    const auto file = open_file(path_, calls_);
    if (!file && file.error().kind == core::ErrorKind::NotFound) return std::nullopt;
    if (!file) return std::unexpected(file.error());
    if (const auto secured = secure(*file); !secured) return std::unexpected(secured.error());
    const auto text = read_all(*file, largest_state, calls_);
    if (!text) return std::unexpected(text.error());
    auto state = parse_state(*text);
    if (!state)
        return core::fail(state.error().kind,
                          fmt::format("{}: {}; {}", path_, state.error().message, corrupt_remedy));
    return std::move(*state);
}

core::Result<void> StateFile::save(const core::State& state) {
    const auto text = format_state(state);
    if (!text) return std::unexpected(core::with_context(path_, text.error()));
    return write_file(path_, text->reveal(), {.mode = state_mode, .group = ::getegid()}, calls_);
}

core::Result<void> StateFile::secure(const OpenedFile& file) {
    if (file.owner != ::geteuid())
        return core::fail(
            core::ErrorKind::Insecure,
            fmt::format("{}: it belongs to user {}, and devkeyd runs as user {}; run it as that "
                        "user, or chown the file",
                        path_, file.owner, ::geteuid()));
    const mode_t tight = file.mode & state_mode;
    if (file.mode == tight) return {};
    if (calls_.change_mode(file.descriptor.get(), tight) != 0)
        return file_error(errno, path_, fmt::format("give it mode {:04o}", tight));
    if (reporter_ != nullptr)
        reporter_->report(
            {.severity = ports::Severity::Warning,
             .name = "state-file-tightened",
             .message = fmt::format("{}: others could use it (mode {:04o}); now it has mode {:04o}", path_,
                                    file.mode, tight)});
    return {};
}

}  // namespace devkey::storage
