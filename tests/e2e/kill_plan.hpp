// Where the kill loop kills, worked out of one recorded run.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "e2e/kill_record.hpp"

namespace devkey::e2e {

/// One call of the recorded run that strace can be told to kill at:
/// `-P path -e inject=syscall:signal=KILL:when=when`.
struct Aim {
    std::size_t call = 0;    ///< its place in the record
    std::size_t moment = 0;  ///< how many changes of the world come before it
    std::string syscall;
    std::string path;  ///< for -P: only calls about this path are counted; empty: all of them
    std::size_t when = 0;
    std::string what;         ///< Call::what()
    std::size_t ordinal = 0;  ///< it is the ordinal-th call of the run that is `what`

    /// For people; the same in every run.
    [[nodiscard]] std::string name() const;
};

/// Whether two runs' aims ask strace for the same, and mean the same.
[[nodiscard]] bool is_same_kill(const Aim& one, const Aim& other);

/// strace counts the calls of one name per thread, from the thread's start, and kills before the call takes
/// place. So a kill at a call shows the world between the change before it and the next one: a *moment*. All
/// kills in one moment leave the same behind, and "after the change" is the moment before the next one.
struct Plan {
    std::vector<Aim> aims;             ///< from the first write of state on, in the order of the record
    std::vector<std::string> unaimed;  ///< calls that can't be told apart from another thread's
    std::vector<std::string> unhit;    ///< changes of the world whose moment before has no aim
};

/// Throws if the record has no write of state.
[[nodiscard]] Plan plan_kills(const std::vector<Call>& record);

/// At most `limit` of them: one for each moment, the others spread evenly. Where there are more moments than
/// that, they are spread, too.
[[nodiscard]] std::vector<Aim> choose(const std::vector<Aim>& aims, std::size_t limit);

/// Whether the record of a run that was to be killed at the aim (with only the calls that -P and trace= let
/// through) ends there: the aimed call was entered, and never returned.
[[nodiscard]] bool ends_at(const std::vector<Call>& record, const Aim& aim);

}  // namespace devkey::e2e
