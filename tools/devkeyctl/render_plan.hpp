// The plan, for people. Pure.
#pragma once

#include <string>

#include "core/error.hpp"

namespace devkey::ctl {

/// A line for each step of the answer to `plan`. Corrupt: it is none that this devkeyctl understands.
[[nodiscard]] core::Result<std::string> render_plan(const std::string& line);

}  // namespace devkey::ctl
