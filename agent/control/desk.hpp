// What is answered to a question, by who asks and by how things stand. Pure: the daemon does what it says.
#pragma once

#include <optional>
#include <string>

#include "control/protocol.hpp"

namespace devkey::control {

/// What a peer may do.
struct Rights {
    bool read = false;
    bool change = false;
};

/// How things stand.
struct Standing {
    const core::Status& status;
    const AgentStatus& agent;  ///< with what somebody has asked for before
};

struct Reply {
    std::string line{};                    ///< the answer, if all of the rest can be done
    std::optional<core::Asking> record{};  ///< write this down, and only then answer
    std::uint32_t history = 0;             ///< answer with so many entries of the history
    bool reload = false;                   ///< read the settings again
    bool look = false;                     ///< ask the service how the keys are
    std::optional<core::Millis> plan{};    ///< answer with what comes until then
};

/// `by`: who asks, for people. `fresh_id`: for what is written down.
[[nodiscard]] Reply reply_to(const Question& question, const Rights& rights, const Standing& standing,
                             std::string by, std::string fresh_id);

}  // namespace devkey::control
