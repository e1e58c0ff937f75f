// The command line.
#pragma once

#include <string>
#include <variant>

#include "core/planner.hpp"

namespace devkey {

/// Where the log goes, and how.
enum class LogForm {
    Automatic,  ///< to the journal if standard error is the journal's, or else text
    Text,
    Json,
    Journal,
};

struct Flags {
    std::string config = "/etc/devkeyd/devkeyd.yaml";
    bool once = false;                            ///< do what is due, tell what it came to, and end
    core::Request request = core::Request::None;  ///< do this; a daemon that runs does it, if there is one
    bool check_config = false;                    ///< only tell what is wrong with the settings
    bool json = false;                            ///< tell it as one JSON object
    LogForm log = LogForm::Automatic;
};

/// The process is over: with this exit code.
struct Leave {
    int exit_code;
};

/// Prints help, version (both 0) or what is wrong (64) itself.
[[nodiscard]] std::variant<Flags, Leave> parse_flags(int argc, char** argv);

}  // namespace devkey
