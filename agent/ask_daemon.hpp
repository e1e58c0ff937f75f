// Asks the devkeyd that runs already.
#pragma once

#include <optional>

#include "core/settings.hpp"
#include "outcome.hpp"
#include "storage/atomic_file.hpp"
#include "storage/requests_file.hpp"

namespace devkey {

/// Writes `asking` into the state directory, where the daemon that holds its lock finds it, and waits until
/// it is done: a minute and a half at most. What is written down stands after that, too, and after a crash of
/// either. Whether it is done is told by the state on disk, and `settings` have the policy. None: the daemon
/// has ended before, and the caller may take the lock, and need not write it down again.
[[nodiscard]] std::optional<Outcome> ask_daemon(storage::FileCalls& calls, const core::Settings& settings,
                                                const core::Asking& asking);

}  // namespace devkey
