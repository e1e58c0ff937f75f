// How far a clock can be trusted, and what time it is after all.
#pragma once

#include <optional>

#include "core/time.hpp"

namespace devkey::core {

/// From the least to the most. Nothing is disabled, deleted or replaced by age below Server.
enum class ClockTrust {
    None,          ///< before the build, or before the last time we saw: it lost its memory (1970 at boot)
    Floor,         ///< plausible, and nothing more
    Synchronised,  ///< the kernel says that something keeps it right (NTP): good enough to plan by
    Server,        ///< the service told the time in this boot, over a connection we trust
};

/// What the machine's clocks show at one moment.
struct ClockReading {
    Instant wall{};
    BootInstant boot{};
    bool synchronised = false;
    Millis running{};  ///< how long the process has run
};

/// The service's `Date`, and when it came.
struct ServerDate {
    Instant date{};
    BootInstant came{};

    bool operator==(const ServerDate&) const = default;
};

struct TrustedTime {
    Instant now{};
    ClockTrust trust = ClockTrust::None;
};

/// The time, by the best clock there is. Time since boot never jumps, so one `Date` is good until the next
/// boot, whatever is done to the wall clock. `floor`: the later of the build date and the last time we saw;
/// where no clock is better, time goes on from there while the process runs.
[[nodiscard]] TrustedTime trusted_time(const ClockReading& clock, const std::optional<ServerDate>& server,
                                       Instant floor);

}  // namespace devkey::core
