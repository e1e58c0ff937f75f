#include "settings/keys.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace devkey::settings {
namespace {

/// How many letters must be added, left out or changed to make one word the other (Levenshtein).
std::size_t edits_between(std::string_view left, std::string_view right) {
    std::vector<std::size_t> row(right.size() + 1);
    std::iota(row.begin(), row.end(), 0U);
    for (std::size_t i = 0; i < left.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 0; j < right.size(); ++j) {
            const std::size_t change = diagonal + (left[i] == right[j] ? 0U : 1U);
            diagonal = row[j + 1];
            row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

constexpr std::size_t longest_word = 40;

}  // namespace

std::string_view nearest_key(const Schema& schema, std::string_view path, std::string_view word) {
    if (word.size() > longest_word) return "";
    std::string_view nearest;
    std::size_t fewest = 3;  // two slips of the finger are likely, three are another word
    for (const std::string_view candidate : schema.keys) {
        const auto dot = candidate.rfind('.');
        const bool top = dot == std::string_view::npos;
        if ((top ? "" : candidate.substr(0, dot)) != path) continue;
        const auto key = top ? candidate : candidate.substr(dot + 1);
        const auto edits = edits_between(word, key);
        if (edits >= fewest || edits >= key.size()) continue;
        fewest = edits;
        nearest = key;
    }
    return nearest;
}

std::string join(std::string_view path, std::string_view key) {
    return path.empty() ? std::string{key} : std::string{path}.append(".").append(key);
}

}  // namespace devkey::settings
