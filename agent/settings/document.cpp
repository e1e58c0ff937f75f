#include "settings/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <string_view>
#include <utility>

namespace devkey::settings {
namespace {

Place place_of(const YAML::Mark& mark) {
    return {mark.line + 1, mark.column + 1};
}

/// Whether a character of more bytes than it needs, a half of a surrogate pair, one past the last, or a C1
/// control character begins like this.
bool is_beyond(unsigned char first, unsigned char second) {
    return (first == 0xc2 && second < 0xa0) || (first == 0xe0 && second < 0xa0) ||
           (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
           (first == 0xf4 && second > 0x8f);
}

/// How many bytes the UTF-8 character at the start of `text` takes; 0 if there is none, or one that steers a
/// terminal.
std::size_t character_length(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const bool control = first < 0x20 && first != '\t' && first != '\n' && first != '\r';
    if (control || first == 0x7f) return 0;
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    if (text.size() > 1 && is_beyond(first, static_cast<unsigned char>(text[1]))) return 0;
    const auto is_tail = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; };
    return std::ranges::all_of(text.substr(1, length - 1), is_tail) ? length : 0;
}

/// yaml-cpp takes any bytes, and stops in silence at some of them.
bool is_clean_text(std::string_view text, Problems& problems) {
    Place place{1, 1};
    while (!text.empty()) {
        const auto length = character_length(text);
        if (length == 0) {
            problems.add(place, "this is not text: a byte that is not UTF-8, or a control character");
            return false;
        }
        place = text.front() == '\n' ? Place{place.line + 1, 1}
                                     : Place{place.line, place.column + static_cast<int>(length)};
        text.remove_prefix(length);
    }
    return true;
}

/// Short, of letters, digits, '_' and '-': so that a message may name it.
bool is_plain_word(std::string_view key) {
    return !key.empty() && key.size() <= 64 && std::ranges::all_of(key, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    });
}

/// Makes the tree out of yaml-cpp's events. (Its own tree keeps doubled keys and loses their places.)
class TreeBuilder : public YAML::EventHandler {
 public:
    explicit TreeBuilder(Problems& problems) : problems_(problems) {}

    [[nodiscard]] Place start() const { return start_; }
    [[nodiscard]] Node take_root() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override { start_ = place_of(mark); }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        attach(node(Node::Kind::Null, mark, "", anchor));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        attach(node(Node::Kind::Null, mark, "", anchor));
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        Node scalar = node(Node::Kind::Scalar, mark, tag, anchor);
        scalar.text = value;
        scalar.quoted = tag == "!";
        attach(std::move(scalar));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        open_.push_back({node(Node::Kind::Sequence, mark, tag, anchor), std::nullopt});
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        open_.push_back({node(Node::Kind::Map, mark, tag, anchor), std::nullopt});
    }
    void OnMapEnd() override { close(); }

 private:
    struct Open {
        Node node;
        std::optional<Node> key;  ///< of a map, when its value comes next
    };

    Node refused(Place place, std::string message) {
        problems_.add(place, std::move(message));
        Node node;
        node.kind = Node::Kind::Refused;
        node.place = place;
        return node;
    }

    Node node(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        const Place place = place_of(mark);
        if (anchor != YAML::NullAnchor)
            return refused(place,
                           "anchors and aliases (& and *) are not supported: write the value out, in quotes");
        if (!tag.empty() && tag != "?" && tag != "!")
            return refused(place, "tags (!) are not supported: leave it out, or put the value in quotes");
        Node made;
        made.kind = kind;
        made.place = place;
        return made;
    }

    void close() {
        Node done = std::move(open_.back().node);
        open_.pop_back();
        attach(std::move(done));
    }

    void attach(Node node) {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = open_.back();
        if (parent.node.kind == Node::Kind::Refused) return;
        if (parent.node.kind == Node::Kind::Sequence) {
            parent.node.items.push_back(std::move(node));
            return;
        }
        const auto key = std::exchange(parent.key, std::nullopt);
        if (key)
            add_entry(parent.node, *key, std::move(node));
        else
            parent.key = checked_key(std::move(node), parent.node);
    }

    Node checked_key(Node key, const Node& map) {
        if (key.kind == Node::Kind::Refused) return key;
        if (key.kind != Node::Kind::Scalar) return refused(key.place, "a key must be a plain word");
        if (key.text == "<<")
            return refused(key.place, "merge keys (<<) are not supported: write the values out");
        if (!is_plain_word(key.text)) return refused(key.place, "a key must be a plain word");
        for (const Entry& entry : map.entries)
            if (entry.key == key.text)
                return refused(key.place, fmt::format("this key is doubled: it stands first on line {}",
                                                      entry.place.line));
        return key;
    }

    static void add_entry(Node& map, const Node& key, Node value) {
        if (key.kind == Node::Kind::Refused) return;
        // Where nothing stands, yaml-cpp names the place of what comes next.
        if (value.kind == Node::Kind::Null) value.place = key.place;
        map.entries.push_back({key.text, key.place, std::move(value)});
    }

    Problems& problems_;
    Place start_;
    Node root_;
    std::vector<Open> open_;
};

std::optional<Node> parse(const std::string& text, Problems& problems) {
    // yaml-cpp takes a quote that the file's end leaves open for closed. It refuses the end of a document
    // there.
    std::istringstream in{text + "\n...\n"};
    YAML::Parser parser{in};
    TreeBuilder document{problems};
    const bool found = parser.HandleNextDocument(document);
    auto root = document.take_root();
    if (!found || root.kind == Node::Kind::Null) {
        problems.add({1, 1}, "the file is empty: it must begin with version: 1");
        return std::nullopt;
    }
    Problems ignored{""};
    TreeBuilder second{ignored};
    if (parser.HandleNextDocument(second))
        problems.add(second.start(), "a second document begins here: the file must hold a single one");
    return root;
}

/// yaml-cpp's messages quote what they stumble over after a colon.
std::string without_quote(const std::string& message) {
    return message.substr(0, message.find(": "));
}

/// Whether a tab stands in front of the first word of that line, counted from 1.
bool is_indented_by_tab(std::string_view text, int line) {
    for (; line > 1; --line) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) return false;
        text.remove_prefix(end + 1);
    }
    return text.substr(0, text.find_first_not_of(" \t")).contains('\t');
}

std::string fault_in(const YAML::Exception& error, std::string_view text) {
    if (error.msg == YAML::ErrorMsg::DOC_IN_SCALAR || error.msg == YAML::ErrorMsg::EOF_IN_SCALAR)
        return "not YAML: a quote is opened and not closed";
    if (is_indented_by_tab(text, error.mark.line + 1))
        return "not YAML: a tab stands at the line's beginning: indent by spaces only";
    return "not YAML: " + without_quote(error.msg);
}

/// Where yaml-cpp gave up; it may have counted past the end.
Place end_of_reading(const YAML::Exception& error, std::string_view text) {
    const int lines = 1 + static_cast<int>(std::ranges::count(text, '\n'));
    const auto place = place_of(error.mark);
    return place.line <= lines ? place : Place{lines, 1};
}

}  // namespace

std::optional<Node> read_document(const std::string& text, Problems& problems) {
    if (!is_clean_text(text, problems)) return std::nullopt;
    try {
        return parse(text, problems);
    } catch (const YAML::DeepRecursion& error) {
        problems.add(end_of_reading(error, text), "this is nested too deeply to be settings");
    } catch (const YAML::Exception& error) {
        problems.add(end_of_reading(error, text), fault_in(error, text));
    }
    return std::nullopt;
}

std::optional<Place> place_of(const Node& section, std::string_view path) {
    const auto dot = path.find('.');
    for (const Entry& entry : section.entries)
        if (entry.key == path.substr(0, dot))
            return dot == std::string_view::npos ? entry.value.place
                                                 : place_of(entry.value, path.substr(dot + 1));
    return std::nullopt;
}

}  // namespace devkey::settings
