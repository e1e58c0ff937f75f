// One devkeyd per state directory.
#pragma once

#include <string>

#include "core/error.hpp"
#include "storage/descriptor.hpp"

namespace devkey::storage {

/// Held from take() until it is destroyed, or the process ends in any way.
class StateLock {
 public:
    /// Locks `DIRECTORY/lock` (mode 0600). A missing directory is created, mode 0711, if its parent is there:
    /// others may pass through it to the credential file, and see nothing.
    /// Unavailable: another devkeyd holds it. Insecure: the directory belongs to a stranger, or others may
    /// write there; or `lock` is no file of ours. Forbidden: not permitted. Io.
    [[nodiscard]] static core::Result<StateLock> take(const std::string& directory);

 private:
    explicit StateLock(Descriptor file) noexcept : file_(std::move(file)) {}

    Descriptor file_;
};

}  // namespace devkey::storage
