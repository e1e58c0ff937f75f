// HTTP(S) requests over one connection that is kept and reused.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/clock_trust.hpp"
#include "core/error.hpp"
#include "core/secret.hpp"
#include "core/settings.hpp"
#include "ports/clock.hpp"
#include "services/interrupter.hpp"
#include "services/url.hpp"

namespace Poco::Net {
class HTTPClientSession;
class HTTPRequest;
class StreamSocket;
}  // namespace Poco::Net

namespace devkey::services {

struct Request {
    std::string method;
    std::string path;
    const core::Secret* bearer = nullptr;  ///< sent as `Authorization: Bearer …`
    core::Secret body{};                   ///< JSON; empty: no body
    bool repeatable = true;  ///< may be sent again where a reused connection turned out to be dead
};

struct Response {
    int status = 0;
    core::Secret body;
    std::optional<std::chrono::seconds> retry_after;
    std::optional<core::Instant> date{};
};

/// No whole answer came.
struct NoAnswer {
    core::Error error;
    bool sent = false;  ///< some of the request may have reached the service
};

/// Used by one thread; the interrupter may be used by others.
class Http {
 public:
    /// The references outlive it.
    Http(const core::ServiceSettings& settings, const ports::Clock& clock, Interrupter& interrupter);
    ~Http();
    Http(const Http&) = delete;
    Http& operator=(const Http&) = delete;

    /// One request to `origin`, within the settings' deadlines; a redirect is answered, never followed. What
    /// isn't repeatable goes out only on a connection that answered just now, or on a fresh one.
    [[nodiscard]] std::expected<Response, NoAnswer> send(const Origin& origin, const Request& request);

    /// No right clock shows an earlier time: certificates are judged by this one where the machine's clock
    /// does (it may start in 1970).
    void set_floor(core::Instant floor) { floor_ = floor; }

    /// The `Date` of the latest answer that had one, and when that came.
    [[nodiscard]] const std::optional<core::ServerDate>& server_date() const { return date_; }

    [[nodiscard]] bool connected_to(const Origin& origin) const;
    void close() noexcept;
    [[nodiscard]] unsigned connections_made() const { return connections_made_; }

 private:
    struct Connection;

    [[nodiscard]] core::Result<void> connect(const Origin& origin);
    /// Throws what Poco throws.
    void adopt(const Origin& origin, const Poco::Net::StreamSocket& socket);
    /// The answer, and whether the connection may be used again. Throws what Poco throws. The socket outlives
    /// the watch.
    [[nodiscard]] std::pair<Response, bool> transact(Poco::Net::HTTPClientSession& session,
                                                     Poco::Net::HTTPRequest& request, std::string_view body,
                                                     Interrupter::Time deadline);
    [[nodiscard]] std::expected<Response, NoAnswer> exchange(const Request& request,
                                                             Interrupter::Time deadline);

    core::ServiceSettings settings_;
    const ports::Clock& clock_;
    Interrupter& interrupter_;
    core::Instant floor_{};
    std::optional<core::ServerDate> date_;
    std::unique_ptr<Connection> connection_;
    unsigned connections_made_ = 0;
};

}  // namespace devkey::services
