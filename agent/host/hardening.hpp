// Keeps secrets in this process.
#pragma once

#include "core/error.hpp"

namespace devkey::host {

/// No core dumps (RLIMIT_CORE 0, an empty coredump_filter, not dumpable: nobody of the same user may attach
/// either), umask 077, and SIGPIPE ignored. Call it first, before any secret is read. Io.
[[nodiscard]] core::Result<void> harden();

}  // namespace devkey::host
