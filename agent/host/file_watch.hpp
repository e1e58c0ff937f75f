// Notices when one file is made, changed, replaced, loosened or removed.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "core/error.hpp"
#include "host/descriptor.hpp"

namespace devkey::host {

/// Watches the directory of a path by inotify, so that it survives the file's replacement; of a symbolic
/// link, the target's directory too. While a directory is missing, or may not be read, the nearest one above
/// that can be watched stands in for it. What happens to directories above a watched one (a renamed
/// grandparent) goes unnoticed.
class FileWatch {
 public:
    /// `path` is absolute. Where the system's limits leave no room, it is blind().
    explicit FileWatch(const std::string& path);

    /// Readable when something may have happened; negative if the system had none left.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

    /// Takes what happened, and watches on. Whether the file, or the way to it, was touched. Never blocks.
    [[nodiscard]] bool touched();

    /// Why a change may go unnoticed, with the remedy; none while all that must be watched is.
    [[nodiscard]] const std::optional<core::Error>& blind() const noexcept { return blind_; }

 private:
    struct Facts {
        dev_t device;
        ino_t number;
        mode_t mode;
        off_t size;
        timespec changed;

        bool operator==(const Facts& other) const noexcept;
    };

    struct Events {
        bool named;      // about the file's own name, or some were lost
        bool directory;  // about a watched directory itself
    };

    struct Watch {
        int number;  // negative: none
        std::filesystem::path directory;
    };

    [[nodiscard]] Events drain();
    void arm();
    [[nodiscard]] Watch watch_nearest(const std::filesystem::path& directory);
    [[nodiscard]] std::optional<Facts> look() const;

    Descriptor descriptor_;
    std::string path_;
    std::string name_;
    std::set<int> watches_;
    // The file's directory is watched, and there is no link on the way: then what has another name there
    // can't change what has to be watched.
    bool straight_ = false;
    std::optional<core::Error> blind_;
    std::optional<Facts> last_;
};

}  // namespace devkey::host
