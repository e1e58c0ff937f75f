// A clock that stands still until the test moves it.
#pragma once

#include "ports/clock.hpp"

namespace devkey::services {

class SetClock final : public ports::Clock {
 public:
    [[nodiscard]] core::Instant now() const override { return start_ + time_; }
    [[nodiscard]] core::BootInstant boot_now() const override { return core::BootInstant{time_}; }
    [[nodiscard]] bool is_synchronised() const override { return true; }
    [[nodiscard]] core::Millis utc_offset() const override { return {}; }
    void go_on(core::Millis by) { time_ += by; }
    /// As after a boot without a battery.
    void start_in_1970() { start_ = core::Instant{}; }

 private:
    // A right one: certificates are judged by it.
    core::Instant start_ = std::chrono::floor<core::Millis>(std::chrono::system_clock::now());
    core::Millis time_{};
};

}  // namespace devkey::services
