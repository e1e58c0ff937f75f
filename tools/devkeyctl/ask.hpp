// Asks the daemon one question.
#pragma once

#include <string>

#include "control/protocol.hpp"

namespace devkey::ctl {

/// The answer's line, without its end. Waits a quarter of a minute for it at most. NotFound: no agent listens
/// at `socket`; Forbidden: the socket can't be reached; Unavailable: it took the question and gave no answer
/// in time.
[[nodiscard]] core::Result<std::string> ask(const std::string& socket, const control::Question& question);

}  // namespace devkey::ctl
