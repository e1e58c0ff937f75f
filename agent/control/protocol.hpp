// What is said on the control socket: one JSON object in a line, and one back. README.md has all of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/request.hpp"
#include "core/status.hpp"

namespace devkey::control {

inline constexpr std::uint32_t version = 1;

/// In one answer.
inline constexpr std::uint32_t most_entries = 100;
/// Bytes of a list in an answer: the control socket takes little more.
inline constexpr std::size_t room_for_list = 90'000;

enum class Verb {
    Status,
    History,
    Plan,
    Rotate,
    Reload,
    Decommission,
    Recommission,
    TakeOver,
    Rollback,
    Disable,
    Enable,
    Acknowledge,
    Pause,
    Resume,
    Look,  ///< ask the service now how the keys are
};

/// How far a plan looks ahead: more is a bad request.
inline constexpr std::uint32_t longest_plan_s = 400 * 24 * 3600;

/// In kebab case, as devkeyctl has it.
[[nodiscard]] std::string_view name_of(Verb verb);

/// Whether it changes nothing: who may read may ask it.
[[nodiscard]] bool only_reads(Verb verb);

/// None: it isn't written down, but done at once.
[[nodiscard]] core::Request request_of(Verb verb);

struct Question {
    Verb verb = Verb::Status;
    std::uint32_t generation = 0;  ///< of those that name one: which key it is about
    bool compromised = false;      ///< Rotate
    std::uint32_t for_s = 0;       ///< Pause: seconds, at most core::longest_pause; 0: until Resume
    std::uint32_t most = 20;       ///< History: entries, at most most_entries
    std::uint32_t until_s = 0;     ///< Plan: seconds from now, at most longest_plan_s
    std::string why{};             ///< of those that are written down; at most core::longest_why bytes

    bool operator==(const Question&) const = default;
};

/// One line, without its end.
[[nodiscard]] std::string format_question(const Question& question);

/// InvalidInput, naming what is wrong; never quotes the line.
[[nodiscard]] core::Result<Question> parse_question(std::string_view line);

/// Why something isn't done. The names are stable.
enum class Refusal {
    BadRequest,   ///< the line isn't a question of this version
    NotAllowed,   ///< this user may not ask that
    Busy,         ///< something else that was asked for stands, or there are too many connections: later
    BadSettings,  ///< the new settings are wrong: the old ones stay in use
    NotSaved,     ///< it couldn't be written down: nothing is done
    NotPossible,  ///< not as things are: the detail names what to ask for first
};

/// In kebab case.
[[nodiscard]] std::string_view name_of(Refusal refusal);

/// What the daemon tells about itself beside the device's status.
struct AgentStatus {
    std::string version;  ///< devkeyd's
    int pid = 0;
    core::Asking asking{};  ///< what stands; Request::None: nothing
    std::string doing{};    ///< the action under way; empty: none
    bool running = true;    ///< false: nobody is there, and this is what is on disk
};

/// Answers: one line each, without its end.
[[nodiscard]] std::string format_status(const core::Status& status, const AgentStatus& agent);
/// `entries`: JSON objects, oldest first; the oldest are left out where an answer can't hold them all.
[[nodiscard]] std::string format_history(const std::vector<std::string>& entries);
[[nodiscard]] std::string format_accepted(const core::Asking& asking);
/// It is as it was asked for already; `detail` for people.
[[nodiscard]] std::string format_nothing_to_do(std::string_view detail);
/// Done at once.
[[nodiscard]] std::string format_done();
[[nodiscard]] std::string format_refusal(Refusal refusal, std::string_view detail);

}  // namespace devkey::control
