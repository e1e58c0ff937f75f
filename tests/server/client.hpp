// An HTTP client that does just what a test says, byte by byte, over plain TCP to loopback.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace devkey::server {

class Client {
 public:
    explicit Client(std::uint16_t port, const char* from = "127.0.0.1")
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval long_enough{.tv_sec = 60, .tv_usec = 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &long_enough, sizeof long_enough);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        ::inet_pton(AF_INET, from, &address.sin_addr);
        if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("can\'t bind");
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("can't connect to the server");
    }
    Client(Client&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    Client& operator=(Client&&) = delete;
    ~Client() {
        if (socket_ >= 0) ::close(socket_);
    }

    [[nodiscard]] int handle() const { return socket_; }
    /// False: the server has closed.
    bool send(const std::string& bytes) const {
        return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size());
    }
    /// Until the server closes; throws after a minute of silence.
    [[nodiscard]] std::string read_to_end() const {
        std::string bytes;
        for (char c = 0; read_one(c);) bytes += c;
        return bytes;
    }
    /// One answer, by its Content-Length; or what there was when the server closed.
    [[nodiscard]] std::string read_answer() const {
        std::string bytes;
        char c = 0;
        while (!bytes.ends_with("\r\n\r\n") && read_one(c)) bytes += c;
        const auto at = bytes.find("Content-Length: ");
        for (auto rest = at == std::string::npos ? 0 : std::stoul(bytes.substr(at + 16)); rest > 0; --rest)
            if (read_one(c)) bytes += c;
        return bytes;
    }
    /// One request on this connection, and its answer.
    [[nodiscard]] std::string call(const std::string& method, const std::string& path,
                                   const std::string& body = {}, const std::string& token = {}) const {
        send(request(method, path, body, token));
        return read_answer();
    }
    static std::string request(const std::string& method, const std::string& path, const std::string& body,
                               const std::string& token) {
        return method + " /api/client/v2.0" + path + " HTTP/1.1\r\nHost: localhost\r\n" +
               (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n") +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }

 private:
    bool read_one(char& c) const {
        const auto got = ::recv(socket_, &c, 1, 0);
        if (got < 0 && errno == EAGAIN) throw std::runtime_error("a minute without a byte");
        return got == 1;
    }

    int socket_;
};

}  // namespace devkey::server
