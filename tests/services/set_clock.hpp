// A clock that stands still until the test moves it.
#pragma once

#include "ports/clock.hpp"

namespace devkey::services {

class SetClock final : public ports::Clock {
 public:
    [[nodiscard]] core::Instant now() const override { return core::Instant{time_}; }
    [[nodiscard]] core::BootInstant boot_now() const override { return core::BootInstant{time_}; }
    void go_on(core::Millis by) { time_ += by; }

 private:
    core::Millis time_{};
};

}  // namespace devkey::services
