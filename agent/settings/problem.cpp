#include "settings/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace devkey::settings {

std::string format(const Problem& problem) {
    if (problem.line == 0) return fmt::format("{}: {}", problem.file, problem.message);
    return fmt::format("{}:{}:{}: {}", problem.file, problem.line, problem.column, problem.message);
}

std::vector<Problem> Problems::sorted() const {
    auto problems = found_;
    std::ranges::sort(problems, {}, [](const Problem& problem) {
        return std::tie(problem.line, problem.column, problem.message);
    });
    return problems;
}

}  // namespace devkey::settings
