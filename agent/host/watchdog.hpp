// systemd's watchdog: fed while the worker gets on, so that one that hangs has the service restarted.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/time.hpp"
#include "host/notify.hpp"
#include "host/timer.hpp"
#include "host/worker.hpp"

namespace devkey::host {

/// Used by the event loop's thread.
class Watchdog {
 public:
    using Time = std::chrono::steady_clock::time_point;  ///< as systemd counts: without suspended time

    /// Asks the environment whether systemd wants to be told, and how often (sd_watchdog_enabled(3)). Throws
    /// std::system_error if there are no descriptors left.
    explicit Watchdog(Notify& notify);

    [[nodiscard]] bool wanted() const noexcept { return every_ > core::Millis{}; }
    /// Readable when it is time to look(): twice as often as systemd wants to be told. Never, if it doesn't.
    [[nodiscard]] int descriptor() const noexcept { return timer_.descriptor(); }
    /// Tells systemd that all is well, unless the worker has been at the same step for more than `longest`.
    void look(Time now, const Progress& progress, core::Millis longest);

 private:
    Notify& notify_;
    Timer timer_;
    core::Millis every_{};  // zero: nobody wants to be told
    std::uint64_t steps_ = 0;
    Time since_{};  // no later than this they were as many
};

}  // namespace devkey::host
