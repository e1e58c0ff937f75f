// Where a secret is read into: of a fixed size, so that nothing is copied about, and wiped in the end.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "core/error.hpp"
#include "core/secret.hpp"

namespace devkey::host {

/// The most that a secret, or the output of a command, may have: 64 KiB. A signed token is rarely over 4.
inline constexpr std::size_t largest_secret = std::size_t{64} * 1024;

class SecretBuffer {
 public:
    SecretBuffer() : data_(std::make_unique_for_overwrite<char[]>(capacity)) {}
    SecretBuffer(const SecretBuffer&) = delete;
    SecretBuffer& operator=(const SecretBuffer&) = delete;
    ~SecretBuffer() { core::wipe(data_.get(), size_); }

    /// What is still free: one byte more than a secret may have, so that one too many shows.
    [[nodiscard]] std::span<char> room() noexcept { return {data_.get() + size_, capacity - size_}; }
    /// The first `count` bytes of room() were written.
    void filled(std::size_t count) noexcept { size_ += count; }
    [[nodiscard]] bool overflown() const noexcept { return size_ > largest_secret; }
    [[nodiscard]] std::string_view text() const noexcept { return {data_.get(), size_}; }

 private:
    static constexpr std::size_t capacity = largest_secret + 1;
    std::unique_ptr<char[]> data_;
    std::size_t size_ = 0;
};

/// Reads all that `descriptor` gives into `buffer`; `place` is for the error. InvalidInput: more than
/// largest_secret. Io.
[[nodiscard]] core::Result<void> read_all(int descriptor, SecretBuffer& buffer, std::string_view place);

/// What was read, without one trailing newline. InvalidInput if nothing is left.
[[nodiscard]] core::Result<core::Secret> secret_in(const SecretBuffer& buffer, std::string_view place);

}  // namespace devkey::host
