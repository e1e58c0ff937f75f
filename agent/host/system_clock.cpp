#include "host/system_clock.hpp"

#include <chrono>
#include <ctime>

namespace devkey::host {
namespace {

core::Millis read_clock(clockid_t clock) {
    timespec time{};
    // Fails only for a clock that the kernel doesn't have: both are older than our needs.
    static_cast<void>(clock_gettime(clock, &time));
    return std::chrono::floor<core::Millis>(std::chrono::seconds{time.tv_sec} +
                                            std::chrono::nanoseconds{time.tv_nsec});
}

}  // namespace

core::Instant SystemClock::now() const {
    return core::Instant{read_clock(CLOCK_REALTIME)};
}

core::BootInstant SystemClock::boot_now() const {
    return core::BootInstant{read_clock(CLOCK_BOOTTIME)};
}

}  // namespace devkey::host
