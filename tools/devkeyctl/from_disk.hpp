// What devkeyctl answers by itself where no agent runs.
#pragma once

#include <string>

#include "control/protocol.hpp"
#include "core/error.hpp"
#include "core/settings.hpp"

namespace devkey::ctl {

/// NotFound: there is no such file; Forbidden: it may not be read; InvalidInput: what is wrong in it, and
/// where.
[[nodiscard]] core::Result<core::Settings> load_settings(const std::string& config);

/// The line that the agent would answer to `status` or `plan`, from the settings at `config` and what they
/// lead to; the status says that nobody runs. The errors of load_settings; Forbidden too where the state may
/// not be read; of a status, those of storage::look_at_state. As root it becomes the agent's user.
[[nodiscard]] core::Result<std::string> answer_from_disk(const std::string& config,
                                                         const control::Question& question);

}  // namespace devkey::ctl
