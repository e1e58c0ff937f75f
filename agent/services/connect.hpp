// From a host's name to a connected, trusted socket.
#pragma once

#include <Poco/Net/StreamSocket.h>

#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/settings.hpp"
#include "services/interrupter.hpp"
#include "services/url.hpp"

namespace devkey::services {

/// Whether `service.ca_file` (empty: the system's certificates, not looked at) can be read and holds
/// certificates. InvalidInput, naming the setting.
[[nodiscard]] core::Result<void> check_ca_file(const std::string& path);

/// What the name leads to, as texts. Unavailable.
[[nodiscard]] core::Result<std::vector<std::string>> addresses_of(const Origin& origin,
                                                                  const Interrupter& interrupter,
                                                                  Interrupter::Time deadline);

/// Looks the name up, connects, and (with TLS) shakes hands and verifies certificate and host name, all
/// before `deadline`. `now` is what certificates are judged by. Unavailable, Insecure where the other side
/// can't be trusted, or InvalidInput (service.ca_file).
[[nodiscard]] core::Result<Poco::Net::StreamSocket> connect_to(const Origin& origin,
                                                               const core::ServiceSettings& settings,
                                                               core::Instant now, Interrupter& interrupter,
                                                               Interrupter::Time deadline);

}  // namespace devkey::services
