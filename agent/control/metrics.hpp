// The status for Prometheus. Pure.
#pragma once

#include <string>

#include "core/error.hpp"

namespace devkey::control {

/// In Prometheus' text format, by the answer to `status` (format_status): the daemon's file and devkeyctl
/// write it from the same answer. Times are absolute: whoever asks for an age subtracts. Corrupt: the line
/// isn't an answer to `status`.
[[nodiscard]] core::Result<std::string> format_metrics(const std::string& status);

}  // namespace devkey::control
