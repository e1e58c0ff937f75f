#include "core/unit_name.hpp"

#include <algorithm>
#include <array>

namespace devkey::core {
namespace {

constexpr std::size_t longest_unit_name = 255;

bool is_one_of_names(char c) {
    constexpr std::string_view others = ":-_.\\@";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
}

}  // namespace

bool is_unit_name(std::string_view name) {
    constexpr std::array<std::string_view, 4> kinds{".service", ".socket", ".mount", ".swap"};
    const auto dot = name.rfind('.');
    if (name.size() > longest_unit_name || dot == std::string_view::npos || dot == 0 || name.front() == '@')
        return false;
    return std::ranges::find(kinds, name.substr(dot)) != kinds.end() &&
           std::ranges::all_of(name, is_one_of_names);
}

std::string template_of(std::string_view unit) {
    const auto at = unit.find('@');
    const auto dot = unit.rfind('.');
    if (at == std::string_view::npos || dot == std::string_view::npos || dot < at) return std::string{unit};
    return std::string{unit.substr(0, at + 1)}.append(unit.substr(dot));
}

}  // namespace devkey::core
