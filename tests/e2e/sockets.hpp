// Ports on loopback whose other side is not devkey-server.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fakes/temporary_directory.hpp"
#include "fakes/wait_until.hpp"

namespace devkey::e2e {

/// Listens and says nothing.
class SilentPort {
 public:
    /// `backlog`: how many connections the kernel takes before it lets further ones hang, less one. `port`:
    /// which; 0: any that is free.
    explicit SilentPort(int backlog = 8, std::uint16_t port = 0)
        : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const int again = 1;  // also where somebody else's connections have only just ended
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again);
        address_.sin_family = AF_INET;
        address_.sin_port = htons(port);
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        if (::bind(listener_, any(&address_), size) != 0 || ::listen(listener_, backlog) != 0 ||
            ::getsockname(listener_, any(&address_), &size) != 0)
            throw std::runtime_error("no port to listen on");
    }
    SilentPort(const SilentPort&) = delete;
    SilentPort& operator=(const SilentPort&) = delete;
    ~SilentPort() {
        for (const int socket : fillers_) ::close(socket);
        ::close(listener_);
    }

    [[nodiscard]] std::uint16_t port() const { return ntohs(address_.sin_port); }
    [[nodiscard]] int listener() const { return listener_; }
    /// From now on a connect to it hangs: the kernel answers no more.
    void fill() {
        for (;;) {
            const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
            const bool done = ::connect(socket, any(&address_), sizeof address_) == 0;
            pollfd wait{.fd = socket, .events = POLLOUT, .revents = 0};
            if (!done && ::poll(&wait, 1, 200) == 0) {
                ::close(socket);
                return;
            }
            fillers_.push_back(socket);
        }
    }
    enum State : unsigned { established = 1, connecting = 2 };  // net/tcp_states.h
    /// Waits until a client besides those of `fill` is there. False: none was within a minute.
    [[nodiscard]] bool has_client(State state) const {
        const auto own = state == established ? fillers_.size() : 0;
        return fakes::wait_until([&] { return clients_in(state) > own; });
    }

 private:
    static sockaddr* any(sockaddr_in* address) { return reinterpret_cast<sockaddr*>(address); }

    // proc(5): "N: local:port remote:port state …", in hexadecimal.
    [[nodiscard]] std::size_t clients_in(State state) const {
        std::istringstream table(fakes::content_of("/proc/net/tcp"));
        std::array<char, 16> wanted{};
        std::snprintf(wanted.data(), wanted.size(), ":%04X %02X", port(), unsigned{state});
        std::size_t count = 0;
        std::string number;
        std::string local;
        for (std::string line; std::getline(table, line);) {
            std::istringstream words(line);
            words >> number >> local;
            std::getline(words, line);
            if (line.contains(wanted.data())) ++count;
        }
        return count;
    }

    sockaddr_in address_{};
    int listener_;
    std::vector<int> fillers_;
};

/// Listens on the port, hangs up on everyone, and notes when they came.
class DeadPort {
 public:
    using Times = std::vector<std::chrono::steady_clock::time_point>;

    explicit DeadPort(std::uint16_t port) : port_(8, port) {
        thread_ = std::thread([this] {
            for (int client = 0;
                 (client = ::accept4(port_.listener(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
                const std::lock_guard lock(mutex_);
                calls_.push_back(std::chrono::steady_clock::now());
                ::close(client);
            }
        });
    }
    DeadPort(const DeadPort&) = delete;
    DeadPort& operator=(const DeadPort&) = delete;
    ~DeadPort() {
        ::shutdown(port_.listener(), SHUT_RDWR);
        thread_.join();
    }

    [[nodiscard]] Times calls() const {
        const std::lock_guard lock(mutex_);
        return calls_;
    }

 private:
    SilentPort port_;
    mutable std::mutex mutex_;
    Times calls_;
    std::thread thread_;
};

}  // namespace devkey::e2e
