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
};

}  // namespace devkey::ports
