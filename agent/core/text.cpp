#include "core/text.hpp"

#include <algorithm>

namespace devkey::core {

std::size_t control_character_at(std::string_view text) {
    if (text.empty()) return 0;
    const auto byte = static_cast<unsigned char>(text[0]);
    if (byte < 0x20 || byte == 0x7f) return 1;
    if (byte != 0xc2 || text.size() < 2) return 0;
    const auto second = static_cast<unsigned char>(text[1]);
    return second >= 0x80 && second < 0xa0 ? 2 : 0;
}

bool has_control_character(std::string_view text) {
    for (; !text.empty(); text.remove_prefix(1))
        if (control_character_at(text) != 0) return true;
    return false;
}

std::string escaped(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string line;
    while (!text.empty()) {
        const auto control = control_character_at(text);
        const auto length = std::max<std::size_t>(control, 1);
        for (const char c : text.substr(0, length)) {
            const auto byte = static_cast<unsigned char>(c);
            if (control == 0)
                line += c;
            else
                ((line += "\\x") += digits[byte / 16]) += digits[byte % 16];
        }
        text.remove_prefix(length);
    }
    return line;
}

}  // namespace devkey::core
