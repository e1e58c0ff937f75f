#include "settings/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace devkey::settings {
namespace {

constexpr std::size_t longest_name = 253;  // RFC 1035
constexpr std::size_t longest_label = 63;

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= longest_label && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; });
}

bool is_ip(int family, const std::string& text) {
    std::array<unsigned char, sizeof(struct in6_addr)> address{};
    return ::inet_pton(family, text.c_str(), address.data()) == 1;
}

bool is_host(const std::string& host) {
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        return is_ip(AF_INET6, host.substr(1, host.size() - 2));
    if (host.find_first_not_of("0123456789.") == std::string::npos) return is_ip(AF_INET, host);
    if (host.size() > longest_name) return false;
    std::string_view rest{host};
    while (true) {
        const auto dot = rest.find('.');
        if (!is_label(rest.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        rest.remove_prefix(dot + 1);
    }
}

std::optional<int> parse_port(std::string_view text) {
    int port = 0;
    const char* end = text.data() + text.size();
    if (text.empty() || text.front() < '1' || text.front() > '9') return std::nullopt;
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc{} || stop != end || port > 65535) return std::nullopt;
    return port;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
    // The last colon, unless it is inside an IPv6 address's brackets.
    auto colon = text.rfind(':');
    if (colon != std::string_view::npos && text.find(']', colon) != std::string_view::npos)
        colon = std::string_view::npos;
    Address address{std::string{text.substr(0, colon)}, 0};
    std::ranges::transform(address.host, address.host.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (!is_host(address.host)) return std::nullopt;
    if (colon == std::string_view::npos) return address;
    const auto port = parse_port(text.substr(colon + 1));
    if (!port) return std::nullopt;
    address.port = *port;
    return address;
}

bool is_loopback(const Address& address) {
    return address.host == "localhost" || address.host == "[::1]" ||
           (address.host.starts_with("127.") && is_ip(AF_INET, address.host));
}

std::string format_address(const Address& address, int default_port) {
    if (address.port == 0 || address.port == default_port) return address.host;
    return address.host + ":" + std::to_string(address.port);
}

}  // namespace devkey::settings
