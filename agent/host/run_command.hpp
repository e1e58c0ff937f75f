// Runs a program for what it prints.
#pragma once

#include "core/error.hpp"
#include "core/secret.hpp"
#include "core/settings.hpp"

namespace devkey::host {

/// Runs `command.run` (the first is the program's absolute path; no shell) and answers what it printed,
/// without one trailing newline. It gets /dev/null to read and to complain to (what it writes to stderr may
/// hold the secret, and would end in a log), an environment of PATH and LANG and nothing else, and its own
/// process group; whatever is left of that group when the program has ended, after `command.timeout`, or when
/// `stop` turns readable (-1: never) is killed. Blocks until then.
///
/// InvalidInput: no absolute path; nothing or more than 64 KiB printed. NotFound, Insecure: can't be started.
/// Unavailable: took too long, ended with another status than 0, or was stopped. Io.
[[nodiscard]] core::Result<core::Secret> run_command(const core::FromCommand& command, int stop);

}  // namespace devkey::host
