// Reads a small file whose permissions matter, all on the opened descriptor.
#pragma once

#include <string>

#include "core/error.hpp"
#include "core/secret.hpp"

namespace devkey::host {

enum class Privacy {
    OwnerSecret,  ///< nobody but root and us may have written it, and others may not read it
    Public,       ///< nobody but root and us may have written it
};

/// The content of a regular file, without one trailing newline. Insecure (with the remedy): its owner is
/// neither root nor us, or its mode is too open. InvalidInput: not a regular file, empty, or over 64 KiB.
/// NotFound, Io.
[[nodiscard]] core::Result<core::Secret> read_file(const std::string& path, Privacy privacy);

}  // namespace devkey::host
