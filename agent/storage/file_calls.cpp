#include "storage/file_calls.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace devkey::storage {

int FileCalls::open(int directory, const char* name, int flags, mode_t mode) {
    return ::openat(directory, name, flags | O_CLOEXEC, mode);
}

int FileCalls::look(int file, struct stat& facts) {
    return ::fstat(file, &facts);
}

ssize_t FileCalls::read(int file, char* data, std::size_t size) {
    return ::read(file, data, size);
}

ssize_t FileCalls::write(int file, const char* data, std::size_t size) {
    return ::write(file, data, size);
}

int FileCalls::change_group(int file, gid_t group) {
    constexpr uid_t same_owner = static_cast<uid_t>(-1);
    return ::fchown(file, same_owner, group);
}

int FileCalls::change_mode(int file, mode_t mode) {
    return ::fchmod(file, mode);
}

int FileCalls::sync(int file) {
    return ::fsync(file);
}

int FileCalls::rename(int directory, const char* from, const char* to) {
    return ::renameat(directory, from, directory, to);
}

int FileCalls::remove(int directory, const char* name) {
    return ::unlinkat(directory, name, 0);
}

}  // namespace devkey::storage
