// Notices when somebody sets the wall clock.
#pragma once

#include "host/descriptor.hpp"

namespace devkey::host {

/// A timerfd on CLOCK_REALTIME that never fires, but is cancelled when the clock is set (timerfd_create(2),
/// TFD_TIMER_CANCEL_ON_SET). Throws std::system_error if there are no descriptors left.
class ClockWatch {
 public:
    ClockWatch();

    /// Readable once the clock was set.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

    /// Whether it was set since the last look; watches on. Never blocks.
    [[nodiscard]] bool was_set();

 private:
    void arm();

    Descriptor descriptor_;
};

}  // namespace devkey::host
