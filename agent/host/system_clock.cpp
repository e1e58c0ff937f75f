#include "host/system_clock.hpp"

#include <sys/timex.h>

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

bool SystemClock::is_synchronised() const {
    timex facts{};
    const int state = ::adjtimex(&facts);
    // Refused (ProtectClock=): then nobody knows.
    return state >= 0 && state != TIME_ERROR && (facts.status & STA_UNSYNC) == 0;
}

core::Millis SystemClock::utc_offset() const {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::tzset();  // the machine may have been moved
    if (::localtime_r(&now, &local) == nullptr) return {};
    return std::chrono::seconds{local.tm_gmtoff};
}

}  // namespace devkey::host
