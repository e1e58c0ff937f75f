#include "host/watchdog.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>

namespace devkey::host {

using std::chrono::duration_cast;
using std::chrono::microseconds;

Watchdog::Watchdog(Notify& notify) : notify_(notify) {
    std::uint64_t within = 0;  // µs
    // What can't be understood there asks for nothing.
    if (sd_watchdog_enabled(0, &within) <= 0) return;
    every_ = std::max(duration_cast<core::Millis>(microseconds{within}) / 2, core::Millis{1});
    timer_.set_in(every_);
}

void Watchdog::look(Time now, const Progress& progress, core::Millis longest) {
    timer_.set_in(every_);
    const bool first = since_ == Time{};
    if (first || !progress.busy || progress.steps != steps_) since_ = now;
    steps_ = progress.steps;
    if (now - since_ <= longest) notify_.alive(2 * every_);
}

}  // namespace devkey::host
