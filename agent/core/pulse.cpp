#include "core/pulse.hpp"

#include <algorithm>

namespace devkey::core {
namespace {

/// What NTP may move a clock by without a jump.
constexpr Millis drift = std::chrono::seconds{5};

bool jumped(const Moment& from, const Moment& to) {
    return std::chrono::abs((to.wall - from.wall) - (to.boot - from.boot)) > drift;
}

/// Whether the beat's stamp is one of the clock that we see now.
bool stamp_counts(const Pulse& pulse, const Moment& now) {
    const bool since = !jumped(pulse.first_seen, now);
    return since && (!pulse.seen_live || !jumped(pulse.before, pulse.first_seen));
}

}  // namespace

Pulse look_again(const std::optional<Pulse>& before, const std::optional<Instant>& beat, const Moment& now) {
    Pulse pulse = before.value_or(Pulse{.beat = std::nullopt, .first_seen = now});
    const bool news = beat && beat != pulse.beat;
    if (news)
        pulse = {.beat = beat, .before = pulse.looked, .seen_live = before.has_value(), .first_seen = now};
    pulse.looked = now;
    return pulse;
}

Millis silent_for(const Pulse& pulse, const Moment& now) {
    const Millis longest = now.boot - pulse.before.boot;
    if (!pulse.beat) return longest;
    const Millis shortest = now.boot - pulse.first_seen.boot;
    return stamp_counts(pulse, now) ? std::clamp(now.wall - *pulse.beat, shortest, longest) : shortest;
}

std::optional<Millis> beat_ago(const Pulse& pulse, const Moment& now) {
    if (!pulse.beat || !pulse.seen_live) return std::nullopt;
    return stamp_counts(pulse, now) ? silent_for(pulse, now) : now.boot - pulse.before.boot;
}

}  // namespace devkey::core
