#include "storage/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "storage/descriptor.hpp"
#include "storage/file_error.hpp"

namespace devkey::storage {
namespace {

/// A path as the calls want it: everything happens by name inside one opened folder, which nobody can swap.
struct Target {
    explicit Target(const std::string& whole) : path(whole) {
        const auto slash = path.rfind('/');
        folder = slash == std::string::npos ? "./" : path.substr(0, slash + 1);
        name = path.substr(slash + 1);  // npos + 1 is 0: all of it
        temporary = "." + name + ".devkeyd-tmp";
    }
    std::string path;
    std::string folder;
    std::string name;
    std::string temporary;
};

/// Follows a symbolic link to the folder: systemd makes /var/lib/NAME one for units with DynamicUser.
core::Result<Descriptor> open_folder(const Target& target, FileCalls& calls) {
    Descriptor folder{calls.open(AT_FDCWD, target.folder.c_str(), O_RDONLY | O_DIRECTORY, 0)};
    if (!folder) return file_error(errno, target.path, "open its folder");
    struct stat facts{};
    if (calls.look(folder.get(), facts) != 0) return file_error(errno, target.path, "look at its folder");
    if ((facts.st_mode & S_IWOTH) != 0 && (facts.st_mode & S_ISVTX) == 0)
        return core::fail(core::ErrorKind::Insecure,
                          fmt::format("{}: everyone may replace files in its folder; run chmod o-w {}",
                                      target.path, target.folder));
    return folder;
}

/// O_EXCL: neither a link nor anybody's open file is ever written to. What a crash left is removed first.
core::Result<Descriptor> create_temporary(const Target& target, int folder, FileCalls& calls) {
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    Descriptor file{calls.open(folder, target.temporary.c_str(), flags, 0600)};
    if (!file && errno == EEXIST) {
        if (calls.remove(folder, target.temporary.c_str()) != 0)
            return file_error(errno, target.folder + target.temporary, "remove what a crash left");
        file = Descriptor{calls.open(folder, target.temporary.c_str(), flags, 0600)};
    }
    if (!file) return file_error(errno, target.path, "create a file beside it");
    return file;
}

core::Result<void> write_all(const Target& target, int file, std::string_view content, FileCalls& calls) {
    while (!content.empty()) {
        const ssize_t written = calls.write(file, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return file_error(written < 0 ? errno : EIO, target.path, "write");
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

/// The group before the mode: so the mode never holds for the wrong group. Both before the first byte.
core::Result<void> fill(const Target& target, int file, std::string_view content, Protection protection,
                        FileCalls& calls) {
    if (calls.change_group(file, protection.group) != 0)
        return file_error(errno, target.path, fmt::format("give it group {}", protection.group));
    if (calls.change_mode(file, protection.mode) != 0)
        return file_error(errno, target.path, fmt::format("give it mode {:04o}", protection.mode));
    if (auto written = write_all(target, file, content, calls); !written) return written;
    if (calls.sync(file) != 0) return file_error(errno, target.path, "bring it to disk");
    return {};
}

core::Result<void> fill_and_rename(const Target& target, int folder, int file, std::string_view content,
                                   Protection protection, FileCalls& calls) {
    if (auto filled = fill(target, file, content, protection, calls); !filled) return filled;
    if (calls.rename(folder, target.temporary.c_str(), target.name.c_str()) != 0)
        return file_error(errno, target.path, "replace it");
    return {};
}

}  // namespace

core::Result<void> write_file(const std::string& path, std::string_view content, Protection protection,
                              FileCalls& calls) {
    const Target target{path};
    const auto folder = open_folder(target, calls);
    if (!folder) return std::unexpected(folder.error());
    const auto file = create_temporary(target, folder->get(), calls);
    if (!file) return std::unexpected(file.error());
    auto done = fill_and_rename(target, folder->get(), file->get(), content, protection, calls);
    if (!done) {
        // Best effort: a leftover that can't be removed now is removed by the next write.
        static_cast<void>(calls.remove(folder->get(), target.temporary.c_str()));
        return done;
    }
    if (calls.sync(folder->get()) != 0)
        return file_error(errno, path, "make sure that it survives a power cut (it is replaced, though)");
    return {};
}

void remove_leftover(const std::string& path, FileCalls& calls) noexcept {
    try {
        const Target target{path};
        static_cast<void>(calls.remove(AT_FDCWD, (target.folder + target.temporary).c_str()));
    } catch (const std::bad_alloc&) {  // then the next write removes it
    }
}

}  // namespace devkey::storage
