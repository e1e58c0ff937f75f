// How often it is told that somebody is refused: one who asks again and again must not flood the log. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"

namespace devkey::control {

/// Of each (a user, a unit) the first refusal is told at once, and how many more there were once a minute
/// from it is over. Those beyond the first so many count as if they were one.
class Refusals {
 public:
    static constexpr core::Millis minute = std::chrono::minutes{1};
    static constexpr std::size_t most = 64;

    /// What was counted and not told.
    struct Rest {
        std::optional<std::string> who;  ///< none: several
        std::uint64_t count = 0;

        bool operator==(const Rest&) const = default;
    };

    /// Of `who`. True: it is to be told now; false: it is counted.
    [[nodiscard]] bool is_news(const std::string& who, core::BootInstant now);

    /// What was counted in minutes that are over by `now`: it begins anew.
    [[nodiscard]] std::vector<Rest> take(core::BootInstant now);

    /// When there is something to take; none: nothing is counted.
    [[nodiscard]] std::optional<core::BootInstant> due() const;

 private:
    struct Minute {
        core::BootInstant end;
        std::uint64_t more = 0;
    };

    std::map<std::optional<std::string>, Minute> minutes_;  // by who it is; none: the others
};

}  // namespace devkey::control
