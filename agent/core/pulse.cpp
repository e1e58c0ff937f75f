#include "core/pulse.hpp"

#include <algorithm>

namespace devkey::core {

Pulse look_again(const std::optional<Pulse>& before, const std::optional<Instant>& beat, BootInstant now) {
    Pulse pulse = before.value_or(Pulse{.first_seen = now});
    const bool news = beat && beat != pulse.beat;
    if (news) pulse = {.beat = beat, .not_before = pulse.looked, .first_seen = now};
    pulse.looked = now;
    return pulse;
}

Millis silent_for(const Pulse& pulse, Instant now, BootInstant boot_now) {
    const Millis longest = boot_now - pulse.not_before;
    if (!pulse.beat) return longest;
    return std::clamp(now - *pulse.beat, boot_now - pulse.first_seen, longest);
}

std::optional<Millis> beat_ago(const Pulse& pulse, Instant now, BootInstant boot_now) {
    if (!pulse.beat) return std::nullopt;
    const bool since_boot = pulse.not_before == BootInstant{};
    if (!since_boot) return silent_for(pulse, now, boot_now);
    return std::max(now - *pulse.beat, boot_now - pulse.first_seen);
}

}  // namespace devkey::core
