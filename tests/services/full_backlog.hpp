// A server on loopback that never takes a connection, and has no room for one to wait.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace devkey::services {

class FullBacklog {
 public:
    FullBacklog() {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address_), sizeof address_) != 0)
            throw std::runtime_error("can't bind");
        ::listen(listener_, 0);
        socklen_t size = sizeof address_;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size);
        // More than the queue holds: the kernel drops what comes next, and the client's waits.
        for (int i = 0; i < 8; ++i) {
            fillers_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            [[maybe_unused]] const int under_way =
                ::connect(fillers_.back(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_);
        }
        before_ = waiting();
    }
    FullBacklog(const FullBacklog&) = delete;
    FullBacklog& operator=(const FullBacklog&) = delete;
    ~FullBacklog() {
        for (const int filler : fillers_) ::close(filler);
        ::close(listener_);
    }

    [[nodiscard]] std::uint16_t port() const { return ntohs(address_.sin_port); }
    /// Until somebody's connect is under way. False after a minute without one.
    [[nodiscard]] bool wait_for_attempt() const {
        const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes{1};
        while (waiting() <= before_ && std::chrono::steady_clock::now() < patience) std::this_thread::yield();
        return waiting() > before_;
    }

 private:
    /// Connections to us that got no answer yet (SYN-SENT is state 02 in /proc/net/tcp).
    [[nodiscard]] int waiting() const {
        std::ifstream table("/proc/net/tcp");
        int count = 0;
        std::string slot;
        std::string local;
        std::string remote;
        std::string state;
        for (std::string line; std::getline(table, line);) {
            std::istringstream(line) >> slot >> local >> remote >> state;
            unsigned port = 0;
            const auto colon = remote.find(':');
            if (colon == std::string::npos) continue;
            std::istringstream(remote.substr(colon + 1)) >> std::hex >> port;
            if (port == this->port() && state == "02") ++count;
        }
        return count;
    }

    int listener_ = -1;
    sockaddr_in address_{};
    std::vector<int> fillers_;
    int before_ = 0;
};

}  // namespace devkey::services
