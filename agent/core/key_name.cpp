#include "core/key_name.hpp"

#include <algorithm>
#include <charconv>

#include "core/hash.hpp"

namespace devkey::core {
namespace {

constexpr std::size_t generation_digits = 6;  // a million rotations: 114 years of one an hour
constexpr std::size_t least_room = 6;         // 30 bits of hash
constexpr std::size_t hash_length = 8;        // 40 bits, where the beginning of the id stands before it
constexpr std::size_t room_for_both = 16;

bool in_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_tag(std::string_view text, std::size_t length) {
    return text.size() == length &&
           std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); });
}

std::string hash_label(std::string_view text, std::size_t length) {
    constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
    std::string label;
    for (auto hash = stable_hash(text); label.size() < std::min(length, std::size_t{12}); hash >>= 5U)
        label += alphabet[hash & 31U];
    return label;
}

std::optional<std::uint32_t> parse_generation(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    if (!whole || number == 0 || text.front() == '0') return std::nullopt;
    return number;
}

/// Cuts the part after the last `-` off `text`.
std::optional<std::string_view> take_last(std::string_view& text) {
    const auto dash = text.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto part = text.substr(dash + 1);
    text = text.substr(0, dash);
    return part;
}

}  // namespace

std::string format(const KeyName& name) {
    return name.prefix + "-" + name.device + "-" + name.installation + "-" + std::to_string(name.generation) +
           "-" + name.nonce;
}

std::optional<KeyName> parse_key_name(std::string_view text) {
    if (!std::ranges::all_of(text, in_name)) return std::nullopt;
    const auto nonce = take_last(text);
    const auto generation_text = nonce ? take_last(text) : std::nullopt;
    const auto installation = generation_text ? take_last(text) : std::nullopt;
    if (!installation || !is_tag(*installation, installation_length) || !is_tag(*nonce, nonce_length))
        return std::nullopt;
    const auto generation = parse_generation(*generation_text);
    const auto dash = text.find('-');
    if (!generation || dash == std::string_view::npos || dash == 0 || dash + 1 == text.size())
        return std::nullopt;
    return KeyName{.prefix = std::string(text.substr(0, dash)),
                   .device = std::string(text.substr(dash + 1)),
                   .installation = std::string(*installation),
                   .generation = *generation,
                   .nonce = std::string(*nonce)};
}

Result<std::string> device_label(std::string_view device_id, std::string_view prefix,
                                 std::size_t longest_name) {
    constexpr std::size_t separators = 4;
    const std::size_t taken =
        prefix.size() + installation_length + generation_digits + nonce_length + separators;
    if (longest_name < taken + least_room)
        return fail(ErrorKind::InvalidInput, "key.prefix '" + std::string(prefix) +
                                                 "' is too long for this service, whose key names end at " +
                                                 std::to_string(longest_name) + " characters: shorten it");
    const std::size_t room = longest_name - taken;
    if (!device_id.empty() && device_id.size() <= room && std::ranges::all_of(device_id, in_name))
        return std::string(device_id);
    if (room < room_for_both) return hash_label(device_id, room);
    std::string beginning(device_id.substr(0, room - hash_length - 1));
    std::ranges::replace_if(beginning, [](char c) { return !in_name(c); }, '_');
    return beginning + "_" + hash_label(device_id, hash_length);
}

}  // namespace devkey::core
