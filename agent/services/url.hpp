// The part of a URL that says where to connect to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace devkey::services {

/// scheme://host[:port]
struct Origin {
    bool tls = true;
    std::string host;  ///< an IPv6 address without its brackets, in its shortest form
    std::uint16_t port = 443;

    bool operator==(const Origin&) const = default;
    /// host:port, the port also where it is the scheme's own.
    [[nodiscard]] std::string authority() const;
    /// scheme://host:port, for messages.
    [[nodiscard]] std::string url() const;
};

/// Parses `https://host[:port]` or `http://…`, with at most a slash behind. InvalidInput for anything else.
[[nodiscard]] core::Result<Origin> parse_origin(std::string_view url);

}  // namespace devkey::services
