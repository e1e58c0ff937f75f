// A timer that counts suspended time too.
#pragma once

#include "core/time.hpp"
#include "host/descriptor.hpp"

namespace devkey::host {

/// A timerfd on CLOCK_BOOTTIME. Not set at first. Throws std::system_error if there are no descriptors left.
class Timer {
 public:
    Timer();

    /// Readable from `time` on (at once if it is past); replaces what was set.
    void set(core::BootInstant time);
    /// Readable after `duration`.
    void set_in(core::Millis duration);
    /// Not readable until it is set again.
    void clear();

    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

 private:
    void program(core::Millis time, int flags);

    Descriptor descriptor_;
};

}  // namespace devkey::host
