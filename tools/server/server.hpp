// The API over HTTP(S), with limits for clients that misbehave.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/error.hpp"
#include "server/api.hpp"

namespace devkey::server {

/// For clients that misbehave. The numbers are ours.
struct Limits {
    int connections = 128;    ///< served at once; as many threads. Twice as many wait in the queue
    std::size_t of_one = 64;  ///< of one client; see client_of
    std::chrono::milliseconds patience{20'000};  ///< see Connections
};

struct Listen {
    std::string host = "127.0.0.1";
    std::uint16_t port = 9443;  ///< 0: any free one
    std::string tls_cert;       ///< PEM chain; empty: plain HTTP, which only a loopback address may have
    std::string tls_key;
    std::string public_url{};  ///< what `location` answers, like https://h:1; empty: the client's Host header
    Limits limits{};
};

/// One answered request, for the log: no header, no body, no token.
struct Served {
    std::string method;
    std::string path;
    int status = 0;  ///< 0: ended without an answer of ours
    std::string address;
    long long microseconds = 0;  ///< until the answer was ready
};

class Server {
 public:
    /// Listens and serves until stop or destruction. `served` is called from the server's threads, before the
    /// client gets the answer. `api` outlives it. InvalidInput, Io.
    [[nodiscard]] static core::Result<std::unique_ptr<Server>> start(
        const Listen& listen, Api& api, std::function<void(const Served&)> served);
    ~Server();
    [[nodiscard]] std::uint16_t port() const;
    /// Takes no more connections, and gives the requests under way five seconds.
    void stop();

 private:
    struct Running;
    explicit Server(std::unique_ptr<Running> running);
    std::unique_ptr<Running> running_;
};

}  // namespace devkey::server
