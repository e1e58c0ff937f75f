// The one way we write a file, and the one way we read one.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/secret.hpp"

namespace devkey::storage {

/// The system calls that a write makes, in this order. A test overrides one to fail or to crash there; each
/// answers what the call of its name does (-1 and errno on failure).
class FileCalls {
 public:
    virtual ~FileCalls() = default;
    virtual int create(int directory, const char* name);  ///< exclusive, 0600, no symlink followed
    virtual int chown_group(int file, gid_t group);
    virtual int chmod(int file, mode_t mode);
    virtual ssize_t write(int file, const void* data, std::size_t size);
    virtual int fsync(int file);  ///< the file, then, after the rename, its directory
    virtual int rename(int directory, const char* from, const char* to);
    virtual int unlink(int directory, const char* name);  ///< of remove_file
};

/// Who may read a file.
struct Access {
    mode_t mode = 0600;
    std::optional<gid_t> group{};  ///< none: the process's own
};

/// Replaces `path` (absolute) as a whole: a reader sees the old content or the new, with the right mode and
/// group from birth, also after a power cut. A symlink at `path` is replaced, not followed. On an error the
/// old file is as it was and nothing is left beside it; only if the directory's fsync fails, the new one is
/// there, but may not survive a power cut. Forbidden (permissions), Insecure (anyone may replace files in
/// that directory) or Io (disk full, read-only, …). One writer per path at a time.
[[nodiscard]] core::Result<void> write_file(FileCalls& calls, const std::string& path,
                                            std::string_view content, const Access& access);

/// Whether the directory of `path` is one that write_file would write to, without writing: the same errors.
[[nodiscard]] core::Result<void> check_directory_of(const std::string& path);

/// Removes `path` (absolute), whatever it is but a directory. When it answers, it is gone, also after a power
/// cut; success too if it wasn't there. Forbidden, Io.
[[nodiscard]] core::Result<void> remove_file(FileCalls& calls, const std::string& path);

/// After it a file that was found at `path` is there also after a power cut, though the process that wrote it
/// may have died before it made sure. Forbidden, Io.
[[nodiscard]] core::Result<void> sync_directory_of(FileCalls& calls, const std::string& path);

/// Removes what a crash in the middle of write_file may have left beside `path`. Never fails: what it can't
/// remove, the next write_file names.
void remove_leftover(const std::string& path) noexcept;

/// A file as its open descriptor shows it.
struct FileContent {
    core::Secret content;
    mode_t mode = 0;  ///< permission bits only
    uid_t owner = 0;
    gid_t group = 0;
};

/// Reads a regular file of at most `limit` bytes. NotFound; Insecure (a symlink or not a regular file);
/// Forbidden; Corrupt (longer than `limit`); Io.
[[nodiscard]] core::Result<FileContent> read_file(const std::string& path, std::size_t limit);

/// What went wrong with `path`, from errno: Forbidden for EACCES and EPERM, NotFound for ENOENT, else Io.
[[nodiscard]] core::Error file_error(std::string_view doing, const std::string& path, int error_number);

}  // namespace devkey::storage
