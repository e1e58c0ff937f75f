// What strangers and operators may give us, and how it is shown again: one judgement for the API and the
// command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/secret.hpp"

namespace devkey::server {

/// Each answers what is wrong, in words for whoever gave it; nothing, if it may be used. The limits are ours.
///
/// An app's id: what a setting of devkeyd can name, and a URL's path can hold as it is.
[[nodiscard]] std::optional<std::string> fault_of_app(std::string_view app);
/// A user's name: 1 to 256 bytes, no control character.
[[nodiscard]] std::optional<std::string> fault_of_user_name(std::string_view name);
/// A password: 6 to 128 bytes, as the hosted service had it.
[[nodiscard]] std::optional<std::string> fault_of_password(const core::Secret& password);
[[nodiscard]] std::optional<std::string> fault_of_key_name(std::string_view name);

struct Address {
    std::string host;  ///< without an IPv6 address's brackets
    std::uint16_t port = 0;
};

/// HOST:PORT to the text's end; an IPv6 address in brackets. None: it isn't like that.
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);
/// The reverse.
[[nodiscard]] std::string to_text(const Address& address);

/// One word of ASCII, whatever others wrote: '?' for all else, so that it neither steers a terminal nor looks
/// like more than one field or line.
[[nodiscard]] std::string printable(std::string text);

}  // namespace devkey::server
