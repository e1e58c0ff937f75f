// The plan as JSON.
#pragma once

#include <string>

#include "core/forecast.hpp"

namespace devkey::control {

/// The answer to `plan`: one line without its end. Of a plan that is too long for an answer the end is left
/// out, and it says so (`whole`).
[[nodiscard]] std::string format_plan(const core::Forecast& forecast);

}  // namespace devkey::control
