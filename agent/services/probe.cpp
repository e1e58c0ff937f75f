#include "services/probe.hpp"

#include <Poco/DateTime.h>
#include <Poco/Exception.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/X509Certificate.h>

#include <chrono>

#include "services/connect.hpp"

namespace devkey::services {

using core::Result;

namespace {

Result<std::optional<core::Instant>> end_of_certificate(const Poco::Net::StreamSocket& socket) {
    try {
        const Poco::Net::SecureStreamSocket secure{socket};
        const auto seconds = secure.peerCertificate().expiresOn().timestamp().epochTime();
        return core::Instant{std::chrono::seconds{seconds}};
    } catch (const Poco::Exception& error) {
        return core::fail(core::ErrorKind::Unavailable,
                          "the certificate can't be looked at: " + error.displayText());
    }
}

}  // namespace

Result<std::vector<std::string>> look_up(const core::ServiceSettings& settings, Interrupter& interrupter) {
    const auto origin = parse_origin(settings.url);
    if (!origin) return std::unexpected(core::with_context("service.url", origin.error()));
    return addresses_of(*origin, interrupter, std::chrono::steady_clock::now() + settings.connect_timeout);
}

Result<std::optional<core::Instant>> certificate_end(const core::ServiceSettings& settings, core::Instant now,
                                                     Interrupter& interrupter) {
    const auto origin = parse_origin(settings.url);
    if (!origin) return std::unexpected(core::with_context("service.url", origin.error()));
    const auto socket = connect_to(*origin, settings, now, interrupter,
                                   std::chrono::steady_clock::now() + settings.connect_timeout);
    if (!socket) return std::unexpected(socket.error());
    if (!origin->tls) return std::nullopt;
    return end_of_certificate(*socket);
}

}  // namespace devkey::services
