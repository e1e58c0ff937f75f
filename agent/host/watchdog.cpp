#include "host/watchdog.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace devkey::host {

using std::chrono::duration_cast;
using std::chrono::microseconds;

namespace {

/// 0: it is none.
std::int64_t number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

/// Within what time systemd wants to be told, by what sd_watchdog_enabled(3) documents. What can't be
/// understood there asks for nothing, and neither does what is meant for another process.
microseconds asked_within() {
    const char* const within = ::getenv("WATCHDOG_USEC");
    const char* const whom = ::getenv("WATCHDOG_PID");
    if (within == nullptr || (whom != nullptr && number(whom) != ::getpid())) return {};
    return microseconds{number(within)};
}

}  // namespace

Watchdog::Watchdog(Notify& notify) : notify_(notify) {
    const auto within = asked_within();
    if (within <= microseconds{}) return;
    every_ = std::max(duration_cast<core::Millis>(within) / 2, core::Millis{1});
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
