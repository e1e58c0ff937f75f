// Time, as an argument.
#pragma once

#include "core/time.hpp"

namespace devkey::ports {

class Clock {
 public:
    virtual ~Clock() = default;
    /// Wall time.
    [[nodiscard]] virtual core::Instant now() const = 0;
    /// Time since boot, suspend included.
    [[nodiscard]] virtual core::BootInstant boot_now() const = 0;
    /// Whether the kernel says that something keeps the wall clock right (NTP).
    [[nodiscard]] virtual bool is_synchronised() const = 0;
    /// What the machine's time zone shows beyond UTC, now.
    [[nodiscard]] virtual core::Millis utc_offset() const = 0;
};

}  // namespace devkey::ports
