#include "storage/read_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <memory>

#include "storage/file_error.hpp"

namespace devkey::storage {
namespace {

constexpr mode_t permission_bits = 07777;

/// Wiped when it goes; never zeroed before, so that only what is read costs memory.
class Buffer {
 public:
    explicit Buffer(std::size_t capacity)
        : data_(std::make_unique_for_overwrite<char[]>(capacity)), capacity_(capacity) {}
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { core::wipe(data_.get(), size_); }

    [[nodiscard]] char* end() const { return data_.get() + size_; }
    [[nodiscard]] std::size_t room() const { return capacity_ - size_; }
    [[nodiscard]] std::string_view text() const { return {data_.get(), size_}; }
    void grow(std::size_t size) { size_ += size; }

 private:
    std::unique_ptr<char[]> data_;
    std::size_t capacity_;
    std::size_t size_ = 0;
};

}  // namespace

core::Result<OpenedFile> open_file(const std::string& path, FileCalls& calls) {
    // O_NONBLOCK: a pipe that someone put there must not hold us.
    constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    Descriptor file{calls.open(AT_FDCWD, path.c_str(), flags, 0)};
    if (!file && errno == ENOENT)
        return core::fail(core::ErrorKind::NotFound, fmt::format("{}: there is no such file", path));
    // A socket can't be opened at all (ENXIO).
    if (!file && errno != ENXIO) return file_error(errno, path, "open it");
    struct stat facts{};
    if (file && calls.look(file.get(), facts) != 0) return file_error(errno, path, "look at it");
    if (!S_ISREG(facts.st_mode))
        return core::fail(core::ErrorKind::Insecure,
                          fmt::format("{}: this is not a regular file; move it away", path));
    return OpenedFile{path, std::move(file), facts.st_uid, facts.st_gid, facts.st_mode & permission_bits};
}

core::Result<core::Secret> read_all(const OpenedFile& file, std::size_t cap, FileCalls& calls) {
    Buffer buffer{cap + 1};
    while (buffer.room() > 0) {
        const ssize_t got = calls.read(file.descriptor.get(), buffer.end(), buffer.room());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return file_error(errno, file.path, "read it");
        if (got == 0) return core::Secret{buffer.text()};
        buffer.grow(static_cast<std::size_t>(got));
    }
    return core::fail(core::ErrorKind::Corrupt,
                      fmt::format("{}: larger than the {} bytes it can have; move it away", file.path, cap));
}

}  // namespace devkey::storage
