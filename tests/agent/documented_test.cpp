// config/README.md says what a run can end with: it must say what the code does.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "outcome.hpp"

namespace devkey {
namespace {

using core::ErrorKind;
using core::Reason;
using Lines = std::vector<std::string>;

/// The rows of the table below a line that begins like this, as they stand there.
Lines rows_after(const std::string& heading) {
    std::ifstream file{DEVKEY_SOURCE_DIR "/config/README.md"};
    Lines rows;
    std::string line;
    while (std::getline(file, line) && !line.starts_with(heading)) {
    }
    while (std::getline(file, line) && !line.starts_with("#"))
        if (line.starts_with("| `")) rows.push_back(line);
    return rows;
}

std::string cell(const std::string& row, std::size_t number) {
    std::istringstream in{row.substr(2)};
    std::string text;
    for (std::size_t i = 0; i <= number; ++i) std::getline(in, text, '|');
    const auto first = text.find_first_not_of(" `");
    return text.substr(first, text.find_last_not_of(" `") + 1 - first);
}

std::vector<Reason> all_reasons() {
    std::vector<Reason> reasons;
    for (int i = 0; i <= static_cast<int>(Reason::Decommissioned); ++i)
        reasons.push_back(static_cast<Reason>(i));
    return reasons;
}

/// What a step is done for; no run ends with it.
std::string code_of(Reason reason) {
    const int code = exit_code_of(reason);
    return code == exit_internal ? "–" : std::to_string(code);
}

TEST(Documented, AreAllReasonsWithTheirCodesAndSentences) {
    const auto rows = rows_after("### The reasons");
    ASSERT_EQ(rows.size(), all_reasons().size());
    for (const Reason reason : all_reasons())
        EXPECT_EQ(rows.at(static_cast<std::size_t>(reason)),
                  "| `" + std::string(core::name_of(reason)) + "` | " + code_of(reason) + " | " +
                      std::string(core::sentence_of(reason)) + " |");
}

TEST(Documented, AreAllReasonsOfARunThatCouldNotBegin) {
    std::map<std::string, std::string> found;
    for (const auto& row : rows_after("### A run that could not begin")) found[cell(row, 0)] = cell(row, 1);
    std::map<std::string, std::string> expected{{"bad-settings", std::to_string(exit_settings)},
                                                {"asked", std::to_string(exit_later)},
                                                {"done", "0"},
                                                {"replaced", std::to_string(exit_later)},
                                                {"interrupted", std::to_string(exit_later)}};
    for (const ErrorKind kind : {ErrorKind::InvalidInput, ErrorKind::NotFound, ErrorKind::Insecure,
                                 ErrorKind::Forbidden, ErrorKind::Unavailable, ErrorKind::Io})
        expected[std::string(core::name_of(kind))] = std::to_string(exit_code_of(kind));
    EXPECT_EQ(found, expected);
}

TEST(Documented, AreAllExitCodes) {
    Lines codes;
    for (const auto& row : rows_after("### The exit codes")) codes.push_back(cell(row, 0));
    const std::array all{0,       exit_usage, exit_state,      exit_gives_up, exit_internal,
                         exit_io, exit_later, exit_connection, exit_refused,  exit_settings};
    Lines expected;
    for (const int code : all) expected.push_back(std::to_string(code));
    EXPECT_EQ(codes, expected);
    for (const Reason reason : all_reasons())
        EXPECT_NE(std::ranges::find(all, exit_code_of(reason)), all.end()) << core::name_of(reason);
    for (int kind = 0; kind <= static_cast<int>(ErrorKind::Io); ++kind)
        EXPECT_NE(std::ranges::find(all, exit_code_of(static_cast<ErrorKind>(kind))), all.end()) << kind;
}

}  // namespace
}  // namespace devkey
