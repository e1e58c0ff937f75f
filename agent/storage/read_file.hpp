// The one way we read a file of ours: what we judge and what we read is the same opened file.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <string>

#include "core/error.hpp"
#include "core/secret.hpp"
#include "storage/descriptor.hpp"
#include "storage/file_calls.hpp"

namespace devkey::storage {

/// An opened regular file and the facts of exactly that file.
struct OpenedFile {
    std::string path;
    Descriptor descriptor;
    uid_t owner;
    gid_t group;
    mode_t mode;  ///< the permission bits, with set-id and sticky
};

/// Opens `path` for reading. NotFound: nothing stands there. Insecure: a symbolic link, or no regular file.
/// Forbidden: not permitted. Io.
[[nodiscard]] core::Result<OpenedFile> open_file(const std::string& path, FileCalls& calls);

/// All of it. Corrupt: more than `cap` bytes. Io.
[[nodiscard]] core::Result<core::Secret> read_all(const OpenedFile& file, std::size_t cap, FileCalls& calls);

}  // namespace devkey::storage
