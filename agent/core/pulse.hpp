// For how long the device's program has been silent: a dead man's switch that no clock can fool.
#pragma once

#include <optional>

#include "core/clock_trust.hpp"
#include "core/time.hpp"

namespace devkey::core {

/// What was seen of the heartbeat file. The wall clock may jump between a beat and the look at it, so a beat
/// is held between two looks, in boot time.
struct Pulse {
    std::optional<Instant> beat{};  ///< the file's time of modification, by whatever the clock showed then
    BootInstant not_before{};  ///< the beat came after the latest look that didn't show it; else after boot
    BootInstant first_seen{};  ///< the first look that showed it
    BootInstant looked{};      ///< the latest look
};

/// `beat`: the file's time of modification; none if there is no file. A file that vanishes counts as silent
/// from the last beat that was seen.
[[nodiscard]] Pulse look_again(const std::optional<Pulse>& before, const std::optional<Instant>& beat,
                               BootInstant now);

/// The silence that is beyond doubt: never more than since boot, and a jump of the clock adds nothing to it.
[[nodiscard]] Millis silent_for(const Pulse& pulse, Instant now, BootInstant boot_now);

/// How long ago the beat was; unlike the silence it may reach back beyond the boot. None: there is no beat.
[[nodiscard]] std::optional<Millis> beat_ago(const Pulse& pulse, Instant now, BootInstant boot_now);

}  // namespace devkey::core
