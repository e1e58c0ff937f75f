#include "host/timer.hpp"

#include <sys/timerfd.h>

#include <algorithm>
#include <chrono>

#include "host/system_error.hpp"

namespace devkey::host {

using namespace std::chrono;

Timer::Timer()
    : descriptor_(must_open(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd")) {}

void Timer::set(core::BootInstant time) {
    program(time.time_since_epoch(), TFD_TIMER_ABSTIME);
}

void Timer::set_in(core::Millis duration) {
    program(duration, 0);
}

void Timer::clear() {
    const itimerspec never{};
    must_open(timerfd_settime(descriptor_.get(), 0, &never, nullptr), "timerfd_settime");
}

void Timer::program(core::Millis time, int flags) {
    time = std::max(time, core::Millis{1});  // zero would mean never
    const auto whole = floor<seconds>(time);
    itimerspec once{};
    once.it_value.tv_sec = whole.count();
    once.it_value.tv_nsec = nanoseconds{time - whole}.count();
    must_open(timerfd_settime(descriptor_.get(), flags, &once, nullptr), "timerfd_settime");
}

}  // namespace devkey::host
