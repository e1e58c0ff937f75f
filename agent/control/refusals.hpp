// How often it is told that somebody is refused: one who asks again and again must not flood the log. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/time.hpp"

namespace devkey::control {

/// Of each user the first refusal is told at once, and how many more there were once a minute from it is
/// over. Users beyond the first so many count as if they were one.
class Refusals {
 public:
    static constexpr core::Millis minute = std::chrono::minutes{1};
    static constexpr std::size_t most_users = 64;

    /// What was counted and not told.
    struct Rest {
        std::optional<std::uint32_t> uid;  ///< none: of several users
        std::uint64_t count = 0;

        bool operator==(const Rest&) const = default;
    };

    /// Of this user. True: it is to be told now; false: it is counted.
    [[nodiscard]] bool is_news(std::uint32_t uid, core::BootInstant now);

    /// What was counted in minutes that are over by `now`: it begins anew.
    [[nodiscard]] std::vector<Rest> take(core::BootInstant now);

    /// When there is something to take; none: nothing is counted.
    [[nodiscard]] std::optional<core::BootInstant> due() const;

 private:
    struct Minute {
        core::BootInstant end;
        std::uint64_t more = 0;
    };

    std::map<std::optional<std::uint32_t>, Minute> minutes_;  // by user; none: the others
};

}  // namespace devkey::control
