// Signals, as something to wait for.
#pragma once

#include <optional>

#include "host/descriptor.hpp"

namespace devkey::host {

/// From now on, SIGHUP and SIGUSR1 wait for `Signals` to be made: what a person asks of us in our first
/// moments must not end us. Call it before any thread is started. Throws std::system_error.
void hold_requests();

/// Takes SIGTERM, SIGINT, SIGHUP and SIGUSR1 for itself: they are blocked in the calling thread and in every
/// thread that it starts from then on, so make it before any thread. Throws std::system_error if there are no
/// descriptors left.
class Signals {
 public:
    Signals();

    /// The next signal that came; none if none did. Never blocks.
    [[nodiscard]] std::optional<int> next();

    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

 private:
    Descriptor descriptor_;
};

}  // namespace devkey::host
