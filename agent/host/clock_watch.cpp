#include "host/clock_watch.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <limits>

#include "host/system_error.hpp"

namespace devkey::host {

ClockWatch::ClockWatch()
    : descriptor_(must_open(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd")) {
    arm();
}

bool ClockWatch::was_set() {
    std::uint64_t fired = 0;
    const bool cancelled = ::read(descriptor_.get(), &fired, sizeof fired) < 0 && errno == ECANCELED;
    if (cancelled) arm();
    return cancelled;
}

void ClockWatch::arm() {
    itimerspec never{};
    never.it_value.tv_sec =
        std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;  // the kernel counts in ns
    must_open(
        timerfd_settime(descriptor_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr),
        "timerfd_settime");
}

}  // namespace devkey::host
