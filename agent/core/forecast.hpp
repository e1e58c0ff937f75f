// What is to come: the answer to `plan`, as one value without any secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/decision.hpp"
#include "core/time.hpp"

namespace devkey::core {

/// Something that will be done, or waited for. What comes again and again is told once for each key.
struct ForecastStep {
    Instant at{};
    Action action = Action::Idle;  ///< Idle: it is waited for
    Reason reason = Reason::Healthy;
    std::string detail{};
    std::string_view rule{};  ///< the name of the rule that will decide so
    unsigned times = 1;
    Instant last_at{};  ///< the last of these times

    bool operator==(const ForecastStep&) const = default;
};

struct Forecast {
    Instant from{};
    Instant until{};    ///< so far it looks
    bool whole = true;  ///< false: there was too much to tell, and it looks less far than it was asked to
    std::vector<ForecastStep> steps{};
    Reason then = Reason::Healthy;     ///< why nothing is to be done after that
    std::string detail{};              ///< of that
    std::optional<Instant> next_at{};  ///< when something is to be done after that; none: never, by itself

    bool operator==(const Forecast&) const = default;
};

}  // namespace devkey::core
