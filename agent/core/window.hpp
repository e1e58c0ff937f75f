// Windows of a week: when a rotation may begin.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/time.hpp"

namespace devkey::core {

/// A span of some days of the week. One that ends at or before its beginning ends on the next day.
struct Window {
    std::uint8_t days = 0;  ///< bit 0: Monday … bit 6: Sunday; never none
    Millis from{};          ///< since midnight, whole minutes, less than a day
    Millis to{};            ///< likewise; up to a day

    bool operator==(const Window&) const = default;
};

/// Parses `Mon..Fri 02:00-05:00`, `Sat,Sun 22:00-02:00` or `04:00-05:00` (every day). Days are Mon Tue Wed
/// Thu Fri Sat Sun, as in systemd.time(7). InvalidInput otherwise, also for one without length.
[[nodiscard]] Result<Window> parse_window(std::string_view text);

/// A time at which a window is open.
struct Opening {
    Instant at{};
    Millis rest{};  ///< how long it stays open from then; zero where there are no windows
};

/// The first instant at or after `from` that lies in one of the windows; `from` itself if there are none.
/// `utc_offset` is what the windows' clock shows beyond UTC, taken to last until then.
[[nodiscard]] Opening next_opening(const std::vector<Window>& windows, Instant from, Millis utc_offset);

/// The longest that one has to wait for a window, whenever one comes; zero if there are none.
[[nodiscard]] Millis longest_wait(const std::vector<Window>& windows);

}  // namespace devkey::core
