// Notices when one file is made, changed, replaced, loosened or removed.
#pragma once

#include <string>

#include "host/descriptor.hpp"

namespace devkey::host {

/// Watches the directory of a path by inotify, so that it survives the file's replacement. While the
/// directory is missing, its nearest ancestor is watched for it. What happens to directories above a watched
/// one (a renamed grandparent) goes unnoticed. Throws std::system_error if inotify is exhausted.
class FileWatch {
 public:
    /// `path` is absolute.
    explicit FileWatch(const std::string& path);

    /// Readable when something may have happened.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

    /// Takes what happened, and watches on. Whether the file, or the way to it, was touched. Never blocks.
    [[nodiscard]] bool touched();

 private:
    void arm();

    Descriptor descriptor_;
    std::string directory_;  // where the file is
    std::string name_;       // its name there
    std::string awaited_;    // the name whose coming and going matters in what is watched now
    int watch_ = -1;
};

}  // namespace devkey::host
