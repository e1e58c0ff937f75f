// What the simulation has reached: a promise that nothing threatened isn't proven.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/decision.hpp"

namespace devkey::sim {

enum class When { Before, After };

struct Coverage {
    struct Effect {
        std::size_t passed = 0;
        std::size_t crashed_before = 0;
        std::size_t crashed_after = 0;
    };
    std::map<std::string_view, std::size_t> rules;   ///< how often each decided
    std::map<core::Reason, std::size_t> reasons;     ///< likewise
    std::map<std::string_view, std::size_t> events;  ///< what the world did
    std::map<std::string_view, std::size_t> faults;  ///< what the service and the disk did
    std::map<std::pair<core::Action, std::string_view>, Effect> effects;
    std::size_t seeds = 0;
    std::size_t passes = 0;
    std::size_t requests = 0;
    std::size_t keys = 0;
    std::size_t busiest_hour = 0;  ///< most requests of one device within an hour
    core::Millis lived{};          ///< of all devices

    void add(const Coverage& other);
    /// Rules that never decided, actions that were never crashed before or after an effect: one a line.
    [[nodiscard]] std::vector<std::string> missing() const;
    [[nodiscard]] std::string text() const;
};

}  // namespace devkey::sim
