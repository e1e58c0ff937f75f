// The device's program, as far as it can be seen from outside.
#pragma once

#include <optional>

#include "core/error.hpp"
#include "core/time.hpp"

namespace devkey::ports {

class Heartbeat {
 public:
    virtual ~Heartbeat() = default;
    /// When the program last touched its file, by the clock of that moment; none: there is no file. Forbidden
    /// (the way to it is closed to us), Io.
    [[nodiscard]] virtual core::Result<std::optional<core::Instant>> last_beat() = 0;
};

}  // namespace devkey::ports
