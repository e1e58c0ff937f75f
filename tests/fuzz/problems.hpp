// What must hold for the problems of a YAML file.
#pragma once

#include <algorithm>
#include <vector>

#include "fuzz.hpp"
#include "settings/load.hpp"

namespace devkey::fuzz {

/// `text`: of the file that they are about.
inline void require_good(const std::vector<settings::Problem>& problems, std::string_view text) {
    require(!problems.empty(), "what is refused has a problem");
    const auto lines = 1 + std::ranges::count_if(text, [](char c) { return c == '\n' || c == '\r'; });
    for (const auto& problem : problems) {
        require(!problem.file.empty(), "a problem names its file");
        require(problem.line >= 0 && problem.line <= lines + 1,
                "a problem's line is in the file, or its end");
        require(
            problem.line == 0 || (problem.column >= 1 && problem.column <= static_cast<int>(text.size()) + 1),
            "a problem's column is in the line");
        require_readable(problem.message);
    }
}

}  // namespace devkey::fuzz
