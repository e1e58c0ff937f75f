// The machine's clocks.
#pragma once

#include "ports/clock.hpp"

namespace devkey::host {

/// CLOCK_REALTIME and CLOCK_BOOTTIME, in whole milliseconds.
class SystemClock final : public ports::Clock {
 public:
    [[nodiscard]] core::Instant now() const override;
    [[nodiscard]] core::BootInstant boot_now() const override;
    [[nodiscard]] bool is_synchronised() const override;
    [[nodiscard]] core::Millis utc_offset() const override;
};

}  // namespace devkey::host
