// The system calls by which we touch a disk, as an argument: a test can fail or stop at any of them.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>

namespace devkey::storage {

/// The real calls. Each answers what its system call answers, and leaves `errno` as it does. A test overrides
/// them. Stateless, so one object serves any number of threads.
class FileCalls {
 public:
    virtual ~FileCalls() = default;
    /// openat(2), always with O_CLOEXEC. `directory` may be AT_FDCWD.
    [[nodiscard]] virtual int open(int directory, const char* name, int flags, mode_t mode);
    [[nodiscard]] virtual int look(int file, struct stat& facts);
    [[nodiscard]] virtual ssize_t read(int file, char* data, std::size_t size);
    [[nodiscard]] virtual ssize_t write(int file, const char* data, std::size_t size);
    [[nodiscard]] virtual int change_group(int file, gid_t group);
    [[nodiscard]] virtual int change_mode(int file, mode_t mode);
    /// fsync(2).
    [[nodiscard]] virtual int sync(int file);
    /// Both names are in `directory`.
    [[nodiscard]] virtual int rename(int directory, const char* from, const char* to);
    [[nodiscard]] virtual int remove(int directory, const char* name);
};

}  // namespace devkey::storage
