// Asks the devkeyd that runs already.
#pragma once

#include <optional>
#include <string>

#include "core/planner.hpp"
#include "outcome.hpp"
#include "storage/atomic_file.hpp"

namespace devkey {

/// Writes `request` into the state directory, where the daemon that holds its lock finds it, and waits until
/// it is done: a minute and a half at most. What is written down stands after that, too, and after a crash of
/// either. None: the daemon has ended before, and the caller may take the lock.
[[nodiscard]] std::optional<Outcome> ask_daemon(storage::FileCalls& calls, const std::string& directory,
                                                core::Request request);

}  // namespace devkey
