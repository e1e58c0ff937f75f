// What happened, in words; and what it means that a promise is broken.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.hpp"

namespace devkey::sim {

using core::Instant;
using core::Millis;

/// Thrown where a promise turns out to be broken. Nothing in the agent catches it.
struct Broken {
    std::string promise;
};

/// True time: what every clock should show.
struct Timeline {
    Instant now{std::chrono::sys_days{std::chrono::year{2026} / 1 / 2}};
};

/// Collects lines, if somebody will read them.
class Story {
 public:
    Story(const Timeline& timeline, bool told) : timeline_(timeline), start_(timeline.now), told_(told) {}

    /// One line: who, and what, put together from its words.
    template <class... Words>
    void tell(std::string_view who, const Words&... words) {
        if (!told_) return;
        std::string line = time() + "  ";
        line += who;
        line += ": ";
        ((line += words), ...);
        lines_.push_back(std::move(line));
    }
    [[nodiscard]] std::vector<std::string> take() { return std::move(lines_); }

 private:
    /// `day 12 03:04:05.678`
    [[nodiscard]] std::string time() const {
        const auto since = timeline_.now - start_;
        const auto days = std::chrono::duration_cast<std::chrono::days>(since);
        std::string day = std::to_string(days.count());
        day.insert(0, day.size() < 2 ? 1 : 0, ' ');
        return "day " + day + " " + core::format_instant(Instant{since - days}).substr(11, 12);
    }

    const Timeline& timeline_;
    Instant start_;
    bool told_;
    std::vector<std::string> lines_;
};

}  // namespace devkey::sim
