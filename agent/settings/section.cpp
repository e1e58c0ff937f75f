#include "settings/section.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "core/text.hpp"

namespace devkey::settings {

namespace {

constexpr std::size_t longest_path = 4000;  // PATH_MAX, with room for the names we append

}  // namespace

void Value::wrong(std::string_view message) const {
    if (node_->kind == Node::Kind::Refused) return;  // that was said already
    problems_->add(node_->place, fmt::format("{}: {}", path_, message));
}

bool Value::is(Node::Kind kind, std::string_view expected) const {
    if (node_->kind == kind) return true;
    if (node_->kind == Node::Kind::Null)
        wrong(fmt::format("is empty: expected {}", expected));
    else
        wrong(fmt::format("expected {}", expected));
    return false;
}

std::optional<std::string> Value::text(std::size_t longest) const {
    auto text = text_or_empty(longest);
    if (!text || !text->empty()) return text;
    wrong("is empty: expected a text");
    return std::nullopt;
}

std::optional<std::string> Value::text_or_empty(std::size_t longest) const {
    if (!is(Node::Kind::Scalar, "a text")) return std::nullopt;
    if (core::has_control_character(node_->text)) {
        wrong("holds a line end or another control character: expected one line of text");
        return std::nullopt;
    }
    if (node_->text.size() > longest) {
        wrong(fmt::format("is too long: at most {} bytes", longest));
        return std::nullopt;
    }
    return node_->text;
}

std::optional<std::string> Value::file_path() const {
    auto path = text(longest_path);
    if (!path) return path;
    if (path->front() != '/')
        wrong("expected an absolute path, beginning with /");
    else if (*path == "/" || path->back() == '/' ||
             std::filesystem::path{*path}.lexically_normal().string() != *path)
        wrong("expected a path without '.', '..', '//' or a slash at its end");
    else
        return path;
    return std::nullopt;
}

std::optional<bool> Value::flag() const {
    if (!is(Node::Kind::Scalar, "true or false")) return std::nullopt;
    if (!node_->quoted && node_->text == "true") return true;
    if (!node_->quoted && node_->text == "false") return false;
    wrong("expected true or false, without quotes");
    return std::nullopt;
}

std::optional<core::Millis> Value::duration(core::Millis shortest, core::Millis longest) const {
    constexpr std::string_view expected = "a duration like 30d, 12h, 15m, 10s, 500ms or 1h30m";
    if (!is(Node::Kind::Scalar, expected)) return std::nullopt;
    const auto duration = core::parse_duration(node_->text);
    if (!duration) {
        wrong(fmt::format("expected {}", expected));
        return std::nullopt;
    }
    if (*duration >= shortest && *duration <= longest) return *duration;
    wrong(fmt::format("out of range: {} to {}", core::format_duration(shortest),
                      core::format_duration(longest)));
    return std::nullopt;
}

std::optional<std::optional<core::Millis>> Value::duration_or_never(core::Millis shortest,
                                                                    core::Millis longest) const {
    if (node_->kind == Node::Kind::Scalar && node_->text == "never") return std::optional<core::Millis>{};
    return duration(shortest, longest);
}

std::optional<unsigned> Value::percent(unsigned most) const {
    const auto expected = fmt::format("a percentage from 0% to {}%", most);
    if (!is(Node::Kind::Scalar, expected)) return std::nullopt;
    const std::string_view text = node_->text;
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && std::string_view{end, text.data() + text.size()} == "%";
    if (whole && number <= most) return number;
    wrong("expected " + expected);
    return std::nullopt;
}

std::optional<std::vector<Value>> Value::list() const {
    if (!is(Node::Kind::Sequence, "a list, like [a, b]")) return std::nullopt;
    std::vector<Value> values;
    for (const Node& item : node_->items)
        values.emplace_back(item, fmt::format("{}[{}]", path_, values.size()), *problems_, *schema_);
    return values;
}

std::vector<std::string> Value::arguments() const {
    std::vector<std::string> words;
    const auto items = list();
    if (items && items->empty()) wrong("is empty: expected a program and its arguments");
    for (const Value& item : items.value_or(std::vector<Value>{})) {
        const auto word = words.empty() ? item.file_path() : item.text_or_empty(longest_argument);
        words.push_back(word.value_or(""));
    }
    return words;
}

std::optional<std::size_t> Value::choice(std::span<const std::string_view> choices,
                                         std::string_view expected) const {
    const auto words =
        expected.empty() ? fmt::format("{}", fmt::join(choices, " or ")) : std::string{expected};
    if (!is(Node::Kind::Scalar, words)) return std::nullopt;
    const auto found = std::ranges::find(choices, node_->text);
    if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
    wrong("expected " + words);
    return std::nullopt;
}

Section Value::section() const {
    const bool map = is(Node::Kind::Map, "keys and values below it");
    return {map ? node_ : nullptr, path_, *problems_, *schema_};
}

std::optional<Value> Section::find(std::string_view key) {
    taken_.emplace(key);
    if (node_ == nullptr) return std::nullopt;
    for (const Entry& entry : node_->entries)
        if (entry.key == key) return Value{entry.value, join(path_, key), *problems_, *schema_};
    return std::nullopt;
}

std::optional<Value> Section::require(std::string_view key) {
    auto value = find(key);
    if (!value) wrong(fmt::format("{} is missing", join(path_, key)));
    return value;
}

void Section::require_version() {
    const auto version = require("version");
    constexpr std::array<std::string_view, 1> known{"1"};
    if (!version) return;
    if (const auto found = version->choice(known); found && version->is_quoted())
        version->wrong("expected 1, without quotes");
}

Section Section::find_section(std::string_view key) {
    return below(find(key), key);
}

Section Section::require_section(std::string_view key) {
    return below(require(key), key);
}

Section Section::below(const std::optional<Value>& value, std::string_view key) const {
    return value ? value->section() : Section{nullptr, join(path_, key), *problems_, *schema_};
}

std::optional<Value> Section::one_of(std::initializer_list<std::string_view> keys) {
    std::vector<Value> found;
    for (const auto key : keys)
        if (auto value = find(key)) found.push_back(std::move(*value));
    if (found.size() == 1) return found.front();
    wrong(fmt::format("{}: expected exactly one of {}", path_, fmt::join(keys, ", ")));
    return std::nullopt;
}

void Section::finish() const {
    if (node_ == nullptr) return;
    for (const Entry& entry : node_->entries)
        if (!accepts(entry.key)) problems_->add(entry.place, unknown(entry.key));
}

void Section::finish_without_names() const {
    if (node_ == nullptr) return;
    for (const Entry& entry : node_->entries)
        if (!accepts(entry.key))
            problems_->add(
                entry.place,
                fmt::format("{}: unknown key; the secret itself never stands in this file", path_));
}

void Section::wrong(std::string_view message) const {
    if (node_ != nullptr) problems_->add(node_->place, std::string{message});
}

bool Section::accepts(std::string_view key) const {
    return taken_.contains(key) && std::ranges::find(schema_->keys, join(path_, key)) != schema_->keys.end();
}

std::string Section::unknown(std::string_view key) const {
    const auto nearest = nearest_key(*schema_, path_, key);
    if (nearest.empty()) return fmt::format("{}: unknown key", join(path_, key));
    return fmt::format("{}: unknown key; did you mean {}?", join(path_, key), nearest);
}

Section top_section(const Node& root, Problems& problems, const Schema& schema) {
    const bool map = root.kind == Node::Kind::Map;
    if (!map && root.kind != Node::Kind::Refused)
        problems.add(root.place, "expected keys and values, beginning with version: 1");
    return {map ? &root : nullptr, "", problems, schema};
}

}  // namespace devkey::settings
