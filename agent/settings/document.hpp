// A YAML file as a tree in which every node knows its place. The only user of yaml-cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings/problem.hpp"

namespace devkey::settings {

struct Entry;

/// Scalars are kept as they are written: their type is for the reader to decide.
struct Node {
    enum class Kind {
        Null,
        Scalar,
        Sequence,
        Map,
        Refused,  ///< has its problem already: readers pass it over in silence
    };
    Kind kind = Kind::Null;
    Place place;
    std::string text;            ///< of a scalar
    bool quoted = false;         ///< a scalar in quotes (or a block) is a text for sure
    std::vector<Node> items;     ///< of a sequence
    std::vector<Entry> entries;  ///< of a map, in order, each key once
};

struct Entry {
    std::string key;
    Place place;
    Node value;
};

/// The single document in `text`: UTF-8, with or without a byte order mark, lines ended by LF or CRLF. Adds a
/// problem for everything that would be read in two ways or silently: doubled and merge keys, anchors,
/// aliases, tags, keys that are no texts, control characters, a second document. None if the text is no YAML
/// at all, or empty.
[[nodiscard]] std::optional<Node> read_document(const std::string& text, Problems& problems);

/// Where the value at `path` ("section.key", below `section`) stands; none where it isn't written.
[[nodiscard]] std::optional<Place> place_of(const Node& section, std::string_view path);

}  // namespace devkey::settings
