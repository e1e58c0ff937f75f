// HTTP(S) requests over one connection that is kept and reused.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "core/secret.hpp"
#include "core/settings.hpp"
#include "services/interrupter.hpp"
#include "services/url.hpp"

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
};

/// No whole answer came.
struct NoAnswer {
    core::Error error;
    bool sent = false;  ///< some of the request may have reached the service
};

/// Used by one thread; the interrupter may be used by others.
class Http {
 public:
    Http(const core::ServiceSettings& settings, Interrupter& interrupter);
    ~Http();
    Http(const Http&) = delete;
    Http& operator=(const Http&) = delete;

    /// One request to `origin`, within the settings' deadlines; a redirect is answered, never followed. What
    /// isn't repeatable goes out only on a connection that answered just now, or on a fresh one.
    [[nodiscard]] std::expected<Response, NoAnswer> send(const Origin& origin, const Request& request);

    [[nodiscard]] bool connected_to(const Origin& origin) const;
    void close() noexcept;
    [[nodiscard]] unsigned connections_made() const { return connections_made_; }

 private:
    struct Connection;

    [[nodiscard]] core::Result<void> connect(const Origin& origin);
    [[nodiscard]] std::expected<Response, NoAnswer> exchange(const Request& request);

    core::ServiceSettings settings_;
    Interrupter& interrupter_;
    std::unique_ptr<Connection> connection_;
    unsigned connections_made_ = 0;
};

}  // namespace devkey::services
