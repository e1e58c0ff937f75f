// One agent per state directory.
#pragma once

#include <string>

#include "core/error.hpp"
#include "storage/descriptor.hpp"

namespace devkey::storage {

/// Held as long as it lives; the kernel lets go of it when the process dies, however it dies.
class StateLock {
 public:
    /// Creates the directory (0711) if only that is missing, and `<directory>/lock` (0600). Unavailable:
    /// another devkeyd runs there. Insecure: the directory belongs to somebody else, or others may write to
    /// it. Forbidden, Io.
    [[nodiscard]] static core::Result<StateLock> take(const std::string& directory);

    /// Whether take() could use the directory, or make it, without making anything: the same errors.
    [[nodiscard]] static core::Result<void> check(const std::string& directory);

 private:
    explicit StateLock(Descriptor file) : file_(std::move(file)) {}

    Descriptor file_;
};

}  // namespace devkey::storage
