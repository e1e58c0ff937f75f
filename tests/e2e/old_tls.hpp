// A server that knows TLS 1.0 and 1.1 only.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>

#include "e2e/sockets.hpp"
#include "fakes/certificates.hpp"

namespace devkey::e2e {

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Session = std::unique_ptr<SSL, decltype(&SSL_free)>;

/// With what TLS 1.1 needs, whatever the system's settings are.
inline Context old_context(const SSL_METHOD* method) {
    Context context(SSL_CTX_new(method), SSL_CTX_free);
    SSL_CTX_set_cipher_list(context.get(), "DEFAULT:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
    return context;
}

class OldTlsServer {
 public:
    explicit OldTlsServer(const fakes::Certificate& certificate) {
        if (SSL_CTX_use_certificate_file(context_.get(), certificate.cert.c_str(), SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_use_PrivateKey_file(context_.get(), certificate.key.c_str(), SSL_FILETYPE_PEM) != 1)
            throw std::runtime_error("the certificate can't be used");
        thread_ = std::thread([this] { serve(); });
    }
    OldTlsServer(const OldTlsServer&) = delete;
    OldTlsServer& operator=(const OldTlsServer&) = delete;
    ~OldTlsServer() {
        ::shutdown(port_.listener(), SHUT_RDWR);
        thread_.join();
    }

    [[nodiscard]] std::uint16_t port() const { return port_.port(); }
    /// How many clients came, and how many of them went on with such a TLS.
    [[nodiscard]] int clients() const { return clients_; }
    [[nodiscard]] int agreed() const { return agreed_; }

 private:
    void serve() {
        for (int client = 0; (client = ::accept4(port_.listener(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
            ++clients_;
            const Session session(SSL_new(context_.get()), SSL_free);
            SSL_set_fd(session.get(), client);
            if (SSL_accept(session.get()) == 1) ++agreed_;
            ::close(client);
        }
    }

    SilentPort port_;
    Context context_ = old_context(TLS_server_method());
    std::atomic<int> clients_ = 0;
    std::atomic<int> agreed_ = 0;
    std::thread thread_;
};

/// Whether a client that takes TLS 1.1 gets along with the server.
inline bool agrees_on_old_tls(const OldTlsServer& server) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server.port());
    const auto context = old_context(TLS_client_method());
    const Session session(SSL_new(context.get()), SSL_free);
    bool agreed = ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    agreed = agreed && SSL_set_fd(session.get(), socket) == 1 && SSL_connect(session.get()) == 1;
    ::close(socket);
    return agreed;
}

}  // namespace devkey::e2e
