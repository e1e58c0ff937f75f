#include "host/log_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "core/text.hpp"

namespace devkey::host {

using core::escaped;

namespace {

/// How many bytes a character of UTF-8 has that begins so, and the least that may follow its first byte and
/// the most; 0: none begins so (RFC 3629, 4).
struct Lead {
    std::size_t length;
    unsigned char least = 0x80;
    unsigned char most = 0xbf;
};

Lead lead_of(unsigned char byte) {
    if (byte < 0x80) return {1};
    if (byte < 0xc2 || byte > 0xf4) return {0};
    if (byte < 0xe0) return {2};
    if (byte < 0xf0)
        return {3, static_cast<unsigned char>(byte == 0xe0 ? 0xa0 : 0x80),
                static_cast<unsigned char>(byte == 0xed ? 0x9f : 0xbf)};
    return {4, static_cast<unsigned char>(byte == 0xf0 ? 0x90 : 0x80),
            static_cast<unsigned char>(byte == 0xf4 ? 0x8f : 0xbf)};
}

/// The length of the whole character that `text` begins with; 0: it begins with none.
std::size_t character_at(std::string_view text) {
    const auto lead = lead_of(static_cast<unsigned char>(text.front()));
    if (lead.length <= 1) return lead.length;
    if (text.size() < lead.length) return 0;
    const auto between = [&](std::size_t at, unsigned char least, unsigned char most) {
        const auto byte = static_cast<unsigned char>(text[at]);
        return byte >= least && byte <= most;
    };
    if (!between(1, lead.least, lead.most)) return 0;
    for (std::size_t at = 2; at < lead.length; ++at)
        if (!between(at, 0x80, 0xbf)) return 0;
    return lead.length;
}

std::string quoted(std::string_view text) {
    std::string json = "\"";
    while (!text.empty()) {
        const auto length = character_at(text);
        if (length == 0)
            json += "\\ufffd";
        else if (core::control_character_at(text) != 0)  // of two bytes the second is its number
            fmt::format_to(std::back_inserter(json), "\\u{:04x}",
                           static_cast<unsigned char>(text[length - 1]));
        else if (text.front() == '"' || text.front() == '\\')
            (json += '\\') += text.front();
        else
            json += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return json += '"';
}

}  // namespace

std::string text_of(const ports::Event& event) {
    std::string line = escaped(event.name) + ": " + escaped(event.message);
    std::string_view separator = " (";
    for (const auto& [name, value] : event.fields) {
        line += separator;
        line += escaped(name) + '=' + escaped(value);
        separator = ", ";
    }
    if (!event.fields.empty()) line += ')';
    return line;
}

std::string json_of(const ports::Event& event, core::Instant at) {
    std::string fields;
    for (const auto& [name, value] : event.fields)
        fields += (fields.empty() ? "" : ",") + quoted(name) + ":" + quoted(value);
    return fmt::format(R"({{"time":"{}","severity":"{}","event":{},"message":{},"fields":{{{}}}}})",
                       core::format_instant(core::writable(at)), name_of(event.severity), quoted(event.name),
                       quoted(event.message), fields);
}

std::string_view name_of(ports::Severity severity) {
    constexpr std::array names{"info", "notice", "warning", "error"};
    return names.at(static_cast<std::size_t>(severity));
}

char priority_of(ports::Severity severity) {
    constexpr std::array priorities{'6', '5', '4', '3'};
    return priorities.at(static_cast<std::size_t>(severity));
}

}  // namespace devkey::host
