// For how long the device's program has been silent: a dead man's switch that no clock can fool.
#pragma once

#include <optional>

#include "core/time.hpp"

namespace devkey::core {

/// A moment by both clocks.
struct Moment {
    Instant wall{};  ///< stamps the file, and may jump
    BootInstant boot{};
};

/// What was seen of the heartbeat file. Each beat is held between two looks, in boot time; what its stamp
/// tells counts only while the wall clock doesn't jump.
struct Pulse {
    std::optional<Instant> beat;  ///< the file's time of modification
    Moment before{};              ///< the latest look that didn't show it; at boot, if there was none
    bool seen_live = false;       ///< there was one: the beat came while we watched
    Moment first_seen{};          ///< the first look that showed it
    Moment looked{};              ///< the latest look
};

/// `beat`: the file's time of modification; none if there is no file. A file that vanishes counts as silent
/// from the last beat that was seen.
[[nodiscard]] Pulse look_again(const std::optional<Pulse>& before, const std::optional<Instant>& beat,
                               const Moment& now);

/// The silence that is beyond doubt: never more than since boot, and a jump of the clock adds nothing to it.
[[nodiscard]] Millis silent_for(const Pulse& pulse, const Moment& now);

/// How long ago the beat was, at most. None: it wasn't seen to come, so only its stamp tells.
[[nodiscard]] std::optional<Millis> beat_ago(const Pulse& pulse, const Moment& now);

}  // namespace devkey::core
