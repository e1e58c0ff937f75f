// The one way we write a file.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "storage/file_calls.hpp"

namespace devkey::storage {

/// Who may read a file. It has both from before its first byte.
struct Protection {
    mode_t mode = 0600;
    gid_t group;
};

/// Replaces `path` (or creates it) with `content`: at every instant, and after a power cut, a reader sees the
/// old content or the new one. When it answers, the new one is on disk. The file's owner is the process's.
/// The name itself is replaced: a symbolic link there is not followed. The folder must exist.
///
/// On an error the old file stands untouched and nothing is left beside it; with one exception: if the folder
/// can't be synced, the new file stands there, but may not survive a power cut (the message says so).
/// Forbidden: not permitted. Insecure: anyone may replace files in that folder. Io: everything else.
///
/// One writer per path at a time: the temporary file's name is fixed, so that crashes leave at most one.
[[nodiscard]] core::Result<void> write_file(const std::string& path, std::string_view content,
                                            Protection protection, FileCalls& calls);

/// Removes what a crash in the middle of write_file may have left beside `path`. Never fails: what it can't
/// remove, the next write_file removes or names in its error.
void remove_leftover(const std::string& path, FileCalls& calls) noexcept;

}  // namespace devkey::storage
