#include "storage/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <new>
#include <system_error>

#include "storage/descriptor.hpp"

namespace devkey::storage {

using core::ErrorKind;
using core::fail;
using core::Result;

int FileCalls::create(int directory, const char* name) {
    return ::openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}
int FileCalls::chown_group(int file, gid_t group) {
    // The unit forbids the call (systemd/group.conf allows it): a new file mostly has the group from birth.
    struct stat facts{};
    if (::fstat(file, &facts) == 0 && facts.st_gid == group) return 0;
    return ::fchown(file, static_cast<uid_t>(-1), group);
}
int FileCalls::chmod(int file, mode_t mode) {
    return ::fchmod(file, mode);
}
ssize_t FileCalls::write(int file, const void* data, std::size_t size) {
    return ::write(file, data, size);
}
int FileCalls::fsync(int file) {
    return ::fsync(file);
}
int FileCalls::rename(int directory, const char* from, const char* to) {
    return ::renameat(directory, from, directory, to);
}

int FileCalls::unlink(int directory, const char* name) {
    return ::unlinkat(directory, name, 0);
}

core::Error file_error(std::string_view doing, const std::string& path, int error_number) {
    const auto kind = error_number == EACCES || error_number == EPERM ? ErrorKind::Forbidden
                      : error_number == ENOENT                        ? ErrorKind::NotFound
                                                                      : ErrorKind::Io;
    std::string message =
        path + ": can't " + std::string(doing) + ": " + std::generic_category().message(error_number);
    if (kind == ErrorKind::Forbidden) message += "; check the owner and mode of it and of its directory";
    if (error_number == ENOSPC || error_number == EDQUOT) message += "; free some space there";
    if (error_number == EROFS) message += "; mount it writable, or set another path";
    return {kind, std::move(message)};
}

namespace {

struct Place {
    std::string directory;
    std::string name;
    /// The name is fixed, so that however often we crash, one leftover is all there can be.
    [[nodiscard]] std::string temporary() const { return "." + name + ".devkeyd-new"; }
};

Place split(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return {".", path};
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

bool write_all(FileCalls& calls, int file, std::string_view content) {
    while (!content.empty()) {
        const auto written = calls.write(file, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written == 0) errno = EIO;  // no error, no progress: this must not become a loop
        if (written <= 0) return false;
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

/// What failed, as file_error wants it; none if all went well. errno says why.
const char* fill(FileCalls& calls, int file, std::string_view content, const Access& access) {
    // Group before mode: with the mode first, a moment would exist in which the wrong group may read.
    if (access.group && calls.chown_group(file, *access.group) != 0) return "set the group";
    if (calls.chmod(file, access.mode) != 0) return "set the mode";
    if (!write_all(calls, file, content)) return "write";
    if (calls.fsync(file) != 0) return "bring to disk";
    return nullptr;
}

Result<Descriptor> open_directory(const std::string& path, const std::string& directory_path) {
    Descriptor directory{::open(directory_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory.valid()) {
        auto error = file_error("open its directory", path, errno);
        if (error.kind == ErrorKind::NotFound)
            error = {ErrorKind::Io, error.message + "; create the directory"};
        return std::unexpected(std::move(error));
    }
    struct stat facts{};
    if (::fstat(directory.get(), &facts) != 0)
        return std::unexpected(file_error("look at the directory of", path, errno));
    if ((facts.st_mode & S_IWOTH) != 0 && (facts.st_mode & S_ISVTX) == 0)
        return fail(ErrorKind::Insecure,
                    path + ": everyone may replace files in its directory; run chmod o-w " + directory_path);
    return directory;
}

}  // namespace

Result<void> check_directory_of(const std::string& path) {
    const auto directory = open_directory(path, split(path).directory);
    if (!directory) return std::unexpected(directory.error());
    return {};
}

Result<void> write_file(FileCalls& calls, const std::string& path, std::string_view content,
                        const Access& access) {
    const Place place = split(path);
    const std::string temporary = place.temporary();
    const auto opened = open_directory(path, place.directory);
    if (!opened) return std::unexpected(opened.error());
    const Descriptor& directory = *opened;
    if (::unlinkat(directory.get(), temporary.c_str(), 0) != 0 && errno != ENOENT)
        return std::unexpected(file_error("remove a leftover of", path, errno));
    const Descriptor file{calls.create(directory.get(), temporary.c_str())};
    if (!file.valid()) return std::unexpected(file_error("create", path, errno));
    const char* failed = fill(calls, file.get(), content, access);
    if (failed == nullptr && calls.rename(directory.get(), temporary.c_str(), place.name.c_str()) != 0)
        failed = "replace";
    if (failed != nullptr) {
        auto error = file_error(failed, path, errno);
        ::unlinkat(directory.get(), temporary.c_str(), 0);
        return std::unexpected(std::move(error));
    }
    // Without this, a power cut may bring the old file back after we said that the new one is there.
    if (calls.fsync(directory.get()) != 0)
        return std::unexpected(file_error("bring its directory to disk", path, errno));
    return {};
}

Result<void> remove_file(FileCalls& calls, const std::string& path) {
    const Place place = split(path);
    const Descriptor directory{::open(place.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory.valid() && errno == ENOENT) return {};
    if (!directory.valid()) return std::unexpected(file_error("open its directory", path, errno));
    remove_leftover(path);
    if (calls.unlink(directory.get(), place.name.c_str()) != 0 && errno != ENOENT)
        return std::unexpected(file_error("remove", path, errno));
    // Also where it wasn't there: a process that died may have removed it, and not brought that to disk.
    if (calls.fsync(directory.get()) != 0)
        return std::unexpected(file_error("bring its directory to disk", path, errno));
    return {};
}

Result<void> sync_directory_of(FileCalls& calls, const std::string& path) {
    const Descriptor directory{::open(split(path).directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (directory.valid() && calls.fsync(directory.get()) == 0) return {};
    return std::unexpected(file_error("bring its directory to disk", path, errno));
}

void remove_leftover(const std::string& path) noexcept {
    try {
        const Place place = split(path);
        ::unlink((place.directory + "/" + place.temporary()).c_str());
    } catch (const std::bad_alloc&) {  // then the next write removes it
    }
}

Result<FileContent> read_file(const std::string& path, std::size_t limit) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    if (!file.valid() && errno == ELOOP)
        return fail(ErrorKind::Insecure, path + ": is a symbolic link; put a regular file there");
    if (!file.valid() && errno == ENXIO)  // what open says of a socket
        return fail(ErrorKind::Insecure, path + ": is not a regular file; put one there");
    if (!file.valid()) return std::unexpected(file_error("open", path, errno));
    struct stat facts{};
    if (::fstat(file.get(), &facts) != 0) return std::unexpected(file_error("look at", path, errno));
    if (!S_ISREG(facts.st_mode))
        return fail(ErrorKind::Insecure, path + ": is not a regular file; put one there");
    if (static_cast<std::uintmax_t>(facts.st_size) > limit)
        return fail(ErrorKind::Corrupt, path + ": is longer than " + std::to_string(limit) + " bytes");
    // What somebody appends from now on isn't read.
    std::string content(static_cast<std::size_t>(facts.st_size), '\0');
    std::size_t size = 0;
    while (size < content.size()) {
        const auto got = ::read(file.get(), content.data() + size, content.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            core::wipe(content);
            return std::unexpected(file_error("read", path, errno));
        }
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    FileContent result{.content = core::Secret{std::string_view(content).substr(0, size)},
                       .mode = facts.st_mode & 07777U,
                       .owner = facts.st_uid,
                       .group = facts.st_gid};
    core::wipe(content);
    return result;
}

}  // namespace devkey::storage
