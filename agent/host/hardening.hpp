// Keeps secrets in this process.
#pragma once

#include "core/error.hpp"

namespace devkey::host {

/// No core dumps (RLIMIT_CORE 0, an empty coredump_filter, not dumpable: nobody of the same user may attach
/// either), umask 077; SIGPIPE and SIGUSR1 ignored, SIGCHLD not; descriptors 0, 1 and 2 open, if only on
/// /dev/null. Call it first, before any secret is read or file opened. Io.
[[nodiscard]] core::Result<void> harden();

}  // namespace devkey::host
