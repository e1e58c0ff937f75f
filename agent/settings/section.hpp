// Reading a tree strictly: each answer is right, or a problem was added.
#pragma once

#include <initializer_list>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.hpp"
#include "settings/document.hpp"
#include "settings/keys.hpp"
#include "settings/problem.hpp"

namespace devkey::settings {

class Section;

/// Bytes of a word of a command, or of a path (PATH_MAX is 4096).
inline constexpr std::size_t longest_argument = 4000;

/// A value and its path. The readers answer none after adding the problem.
class Value {
 public:
    Value(const Node& node, std::string path, Problems& problems, const Schema& schema)
        : node_(&node), path_(std::move(path)), problems_(&problems), schema_(&schema) {}

    /// Adds the problem `path: message` at this place.
    void wrong(std::string_view message) const;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] Place place() const { return node_->place; }
    [[nodiscard]] bool is_map() const { return node_->kind == Node::Kind::Map; }
    [[nodiscard]] bool is_quoted() const { return node_->quoted; }

    /// One line without control characters, of 1 to `longest` bytes.
    [[nodiscard]] std::optional<std::string> text(std::size_t longest) const;
    /// The same, or an empty one.
    [[nodiscard]] std::optional<std::string> text_or_empty(std::size_t longest) const;
    /// An absolute path in its shortest form.
    [[nodiscard]] std::optional<std::string> file_path() const;
    [[nodiscard]] std::optional<bool> flag() const;
    [[nodiscard]] std::optional<core::Millis> duration(core::Millis shortest, core::Millis longest) const;
    /// The same, or the word `never`, which is answered as none inside.
    [[nodiscard]] std::optional<std::optional<core::Millis>> duration_or_never(core::Millis shortest,
                                                                               core::Millis longest) const;
    /// `10%`, from none to `most`.
    [[nodiscard]] std::optional<unsigned> percent(unsigned most) const;
    [[nodiscard]] std::optional<std::vector<Value>> list() const;
    /// A program's absolute path and its arguments; what is wrong was reported.
    [[nodiscard]] std::vector<std::string> arguments() const;
    /// Its number in `choices`. `expected` says in a problem what they are; empty: they are listed.
    [[nodiscard]] std::optional<std::size_t> choice(std::span<const std::string_view> choices,
                                                    std::string_view expected = "") const;
    /// Its keys; an empty section if it isn't a map.
    [[nodiscard]] Section section() const;

 private:
    [[nodiscard]] bool is(Node::Kind kind, std::string_view expected) const;

    const Node* node_;
    std::string path_;
    Problems* problems_;
    const Schema* schema_;
};

/// The keys of one map. Whoever reads it takes what it knows, then calls finish(): so that no key is passed
/// over in silence.
class Section {
 public:
    /// `node` null: not there, which was reported or is allowed; every key is missing then, without a
    /// problem.
    Section(const Node* node, std::string path, Problems& problems, const Schema& schema)
        : node_(node), path_(std::move(path)), problems_(&problems), schema_(&schema) {}

    [[nodiscard]] std::optional<Value> find(std::string_view key);
    /// Adds a problem if it isn't there.
    [[nodiscard]] std::optional<Value> require(std::string_view key);
    /// `version: 1` must stand there.
    void require_version();
    /// The sections below a key; empty if it isn't there.
    [[nodiscard]] Section find_section(std::string_view key);
    [[nodiscard]] Section require_section(std::string_view key);
    /// The one of these keys that is there; a problem if it isn't exactly one.
    [[nodiscard]] std::optional<Value> one_of(std::initializer_list<std::string_view> keys);

    /// Adds a problem for each key that was not taken.
    void finish() const;
    /// The same, without naming the key: a secret may stand in its place.
    void finish_without_names() const;

    void wrong(std::string_view message) const;

 private:
    [[nodiscard]] Section below(const std::optional<Value>& value, std::string_view key) const;
    [[nodiscard]] bool accepts(std::string_view key) const;
    [[nodiscard]] std::string unknown(std::string_view key) const;

    const Node* node_;
    std::string path_;
    Problems* problems_;
    const Schema* schema_;
    std::set<std::string, std::less<>> taken_;
};

/// The top of a file; a problem if it isn't a map.
[[nodiscard]] Section top_section(const Node& root, Problems& problems, const Schema& schema);

}  // namespace devkey::settings
