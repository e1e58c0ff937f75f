#include "server/input.hpp"

#include <algorithm>
#include <charconv>

#include "core/text.hpp"

namespace devkey::server {
namespace {

constexpr std::size_t longest_key_name = 64;
constexpr std::size_t longest_app = 128;
constexpr std::size_t longest_user_name = 256;
constexpr std::size_t shortest_password = 6;
constexpr std::size_t longest_password = 128;

/// Letters, digits and `more`.
bool is_word(std::string_view text, std::string_view more) {
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || more.contains(c);
    });
}

}  // namespace

std::optional<std::string> fault_of_app(std::string_view app) {
    if (is_word(app, "-_.") && app.size() <= longest_app && app != "." && app != "..") return {};
    return "an app's id has 1 to 128 letters, digits, '-', '_' and '.'";
}

std::optional<std::string> fault_of_user_name(std::string_view name) {
    if (!name.empty() && name.size() <= longest_user_name && !core::has_control_character(name)) return {};
    return "a user's name has 1 to 256 bytes and no control character";
}

std::optional<std::string> fault_of_password(const core::Secret& password) {
    const auto size = password.reveal().size();
    if (size >= shortest_password && size <= longest_password) return {};
    return "password must be between 6 and 128 characters";
}

std::optional<std::string> fault_of_key_name(std::string_view name) {
    if (is_word(name, "_-") && name.size() <= longest_key_name) return {};
    return "a name has at most 64 letters, digits, '_' and '-'";
}

std::optional<Address> parse_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return {};
    auto host = text.substr(0, colon);
    const auto digits = text.substr(colon + 1);
    Address address;
    const auto* end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, address.port);
    if (read.ec != std::errc{} || read.ptr != end) return {};
    const bool brackets = host.starts_with('[') && host.ends_with(']');
    if (brackets) host = host.substr(1, host.size() - 2);
    if (host.empty() || host.contains(':') != brackets) return {};
    address.host = host;
    return address;
}

std::string to_text(const Address& address) {
    const bool brackets = address.host.contains(':');
    return (brackets ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::string printable(std::string text) {
    std::ranges::replace_if(text, [](char c) { return c <= ' ' || c > '~'; }, '?');
    return text;
}

}  // namespace devkey::server
