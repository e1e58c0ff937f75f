#include "core/window.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace devkey::core {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::array<std::string_view, 7> day_names{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::uint8_t every_day = 0x7f;
constexpr Millis day = days{1};
constexpr Millis week = days{7};

std::optional<unsigned> day_number(std::string_view text) {
    const auto* found = std::ranges::find(day_names, text);
    if (found == day_names.end()) return std::nullopt;
    return static_cast<unsigned>(found - day_names.begin());
}

/// `Mon` or `Mon..Fri`, which may run over the week's end.
std::optional<std::uint8_t> parse_day_range(std::string_view text) {
    const auto dots = text.find("..");
    const auto first = day_number(text.substr(0, dots));
    const auto last = dots == std::string_view::npos ? first : day_number(text.substr(dots + 2));
    if (!first || !last) return std::nullopt;
    unsigned mask = 0;
    for (unsigned at = *first;; at = at == 6 ? 0 : at + 1) {
        mask |= 1U << at;
        if (at == *last) return static_cast<std::uint8_t>(mask);
    }
}

std::optional<std::uint8_t> parse_days(std::string_view text) {
    unsigned mask = 0;
    for (;;) {
        const auto comma = text.find(',');
        const auto range = parse_day_range(text.substr(0, comma));
        if (!range) return std::nullopt;
        mask |= *range;
        if (comma == std::string_view::npos) return static_cast<std::uint8_t>(mask);
        text.remove_prefix(comma + 1);
    }
}

std::optional<int> two_digits(std::string_view text) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.size() != 2 || !digit(text[0]) || !digit(text[1])) return std::nullopt;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

/// `02:00`; also `24:00`.
std::optional<Millis> parse_time_of_day(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    const auto hour = two_digits(text.substr(0, 2));
    const auto minute = two_digits(text.substr(3));
    if (!hour || !minute || *minute > 59) return std::nullopt;
    const Millis time = hours{*hour} + minutes{*minute};
    return time > day ? std::nullopt : std::optional(time);
}

Millis length_of(const Window& window) {
    return window.to > window.from ? window.to - window.from : window.to + day - window.from;
}

/// What `at`, a time of the week, has to wait for a window, and how long that stays open then.
struct Wait {
    Millis until_open{week};
    Millis rest{};
};

void consider(Wait& best, const Window& window, Millis opens, Millis at) {
    const Millis since = (at - opens + week) % week;
    const Millis length = length_of(window);
    const bool open = since < length;
    const Wait wait{open ? Millis{0} : week - since, open ? length - since : length};
    if (wait.until_open < best.until_open) best = wait;
}

Wait wait_for(const std::vector<Window>& windows, Millis at) {
    Wait best;
    for (const Window& window : windows)
        for (unsigned number = 0; number < day_names.size(); ++number)
            if ((window.days >> number & 1U) != 0) consider(best, window, number * day + window.from, at);
    return best;
}

}  // namespace

Result<Window> parse_window(std::string_view text) {
    const auto bad = [&] {
        return fail(ErrorKind::InvalidInput, "'" + std::string(text) +
                                                 "' is not a window; write it like Mon..Fri 02:00-05:00, "
                                                 "Sat,Sun 22:00-02:00 or 04:00-05:00");
    };
    const auto space = text.find(' ');
    const bool has_days = space != std::string_view::npos;
    const auto on = has_days ? parse_days(text.substr(0, space)) : std::optional(every_day);
    const auto times = has_days ? text.substr(space + 1) : text;
    if (!on || times.size() != 11 || times[5] != '-') return bad();
    const auto from = parse_time_of_day(times.substr(0, 5));
    const auto to = parse_time_of_day(times.substr(6));
    if (!from || !to || *from == day || *from == *to) return bad();
    return Window{.days = *on, .from = *from, .to = *to};
}

Opening next_opening(const std::vector<Window>& windows, Instant from, Millis utc_offset) {
    if (windows.empty()) return {from, Millis{0}};
    // 1 January 1970 was a Thursday.
    const Millis since_monday = from.time_since_epoch() + utc_offset + days{3};
    const Wait wait = wait_for(windows, (since_monday % week + week) % week);
    return {from + wait.until_open, wait.rest};
}

Millis longest_wait(const std::vector<Window>& windows) {
    Millis longest{0};
    // Whoever comes just when a window closes waits longest.
    for (const Window& window : windows)
        for (unsigned number = 0; number < day_names.size(); ++number) {
            if ((window.days >> number & 1U) == 0) continue;
            const Millis closes = (number * day + window.from + length_of(window)) % week;
            longest = std::max(longest, wait_for(windows, closes).until_open);
        }
    return longest;
}

}  // namespace devkey::core
