// Runs a program for what it prints.
#pragma once

#include <string>
#include <vector>

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
/// Unavailable: took too long, or ended with another status than 0. TooEarly: was stopped. Io.
[[nodiscard]] core::Result<core::Secret> run_command(const core::FromCommand& command, int stop);

/// A program that is run for what it does.
struct Program {
    std::vector<std::string> run;  ///< its absolute path and its arguments
    core::Millis timeout{};
    std::vector<std::string> environment;  ///< beside PATH and LANG: `NAME=value`
};

/// The same, but that it prints to /dev/null and complains to our standard error. TooEarly: it was stopped.
[[nodiscard]] core::Result<void> run_program(const Program& program, int stop);

}  // namespace devkey::host
