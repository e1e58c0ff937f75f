// Instants, durations and their text forms.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace devkey::core {

using Millis = std::chrono::milliseconds;

/// Wall time (UTC): for ages and for what people read. It may jump.
using Instant = std::chrono::sys_time<Millis>;

/// Counts since boot, suspend included, and never jumps (CLOCK_BOOTTIME): for waiting.
/// Only a type: the host's clock makes its time points, core never reads a clock.
struct BootClock {
    using duration = Millis;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};
using BootInstant = BootClock::time_point;

/// Parses `30d`, `12h`, `15m`, `10s`, `500ms` and sums such as `1h30m` (units at most once, largest first).
/// At most 100 years; no sign, no spaces, no fractions. InvalidInput otherwise.
[[nodiscard]] Result<Millis> parse_duration(std::string_view text);

/// The shortest sum that parse_duration reads back the same; `0s` for none. Negative durations are shown as
/// `0s`.
[[nodiscard]] std::string format_duration(Millis duration);

/// RFC 3339 in UTC with whole milliseconds: `2026-01-02T03:04:05.678Z`.
[[nodiscard]] std::string format_instant(Instant instant);

/// The nearest that format_instant writes so that it is read back: from 1970 to 9999. For times that others
/// chose, as a file's.
[[nodiscard]] Instant writable(Instant instant);

/// Reads back what format_instant writes; milliseconds may be missing. Corrupt otherwise.
[[nodiscard]] Result<Instant> parse_instant(std::string_view text);

}  // namespace devkey::core
