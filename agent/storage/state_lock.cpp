#include "storage/state_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "storage/file_error.hpp"

namespace devkey::storage {
namespace {

constexpr mode_t directory_mode = 0711;

core::Result<void> check_directory(const std::string& path, int directory) {
    struct stat facts{};
    if (::fstat(directory, &facts) != 0) return file_error(errno, path, "look at it");
    if (facts.st_uid != ::geteuid() && facts.st_uid != 0)
        return core::fail(
            core::ErrorKind::Insecure,
            fmt::format("{}: the state directory belongs to user {}, and devkeyd runs as user {}; run it "
                        "as that user, or chown the directory",
                        path, facts.st_uid, ::geteuid()));
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return core::fail(core::ErrorKind::Insecure,
                          fmt::format("{}: others may write in the state directory (mode {:04o}); run chmod "
                                      "go-w {}",
                                      path, facts.st_mode & 07777U, path));
    return {};
}

/// Makes the directory if need be; its mode is set by descriptor, whatever the umask says.
core::Result<Descriptor> open_directory(const std::string& path) {
    const bool made = ::mkdir(path.c_str(), directory_mode) == 0;
    // What mkdir says of a directory that is there already depends on the file system: opening it decides.
    Descriptor directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory) return file_error(errno, path, "open the state directory");
    if (const auto checked = check_directory(path, directory.get()); !checked)
        return std::unexpected(checked.error());
    if (made && ::fchmod(directory.get(), directory_mode) != 0)
        return file_error(errno, path, "give it its mode");
    return directory;
}

core::Result<Descriptor> open_lock(const std::string& path, int directory) {
    constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    Descriptor file{::openat(directory, "lock", flags, 0600)};
    if (!file) return file_error(errno, path, "open it");
    struct stat facts{};
    if (::fstat(file.get(), &facts) != 0) return file_error(errno, path, "look at it");
    if (!S_ISREG(facts.st_mode) || facts.st_uid != ::geteuid())
        return core::fail(
            core::ErrorKind::Insecure,
            fmt::format("{}: this is not a file of user {}, as which devkeyd runs; move it away", path,
                        ::geteuid()));
    return file;
}

}  // namespace

core::Result<StateLock> StateLock::take(const std::string& directory) {
    const auto folder = open_directory(directory);
    if (!folder) return std::unexpected(folder.error());
    const std::string path = directory + "/lock";
    auto file = open_lock(path, folder->get());
    if (!file) return std::unexpected(file.error());
    if (::flock(file->get(), LOCK_EX | LOCK_NB) == 0) return StateLock{std::move(*file)};
    if (errno != EWOULDBLOCK) return file_error(errno, path, "lock it");
    return core::fail(
        core::ErrorKind::Unavailable,
        fmt::format("{}: another devkeyd works in this state directory; stop it, or set another "
                    "state_directory",
                    path));
}

}  // namespace devkey::storage
