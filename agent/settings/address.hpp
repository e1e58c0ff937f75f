// The text forms of network addresses. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace devkey::settings {

/// A host name, an IPv4 address or an IPv6 address in brackets, in lower case; and a port, 0 if none was
/// given.
struct Address {
    std::string host;
    int port = 0;
};

/// `host` or `host:port`.
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);

/// Whether the address surely is this machine's own: `localhost`, 127.0.0.0/8 or [::1].
[[nodiscard]] bool is_loopback(const Address& address);

/// `host`, or `host:port` if the port isn't `default_port`.
[[nodiscard]] std::string format_address(const Address& address, int default_port);

}  // namespace devkey::settings
