// A server on loopback that never takes a connection, and has no room for one to wait.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
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
        address_.sin_port = htons(port_of(listener_));
        // More than the queue holds: the kernel drops what comes next, and the client's waits.
        for (int i = 0; i < 8; ++i) {
            fillers_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            [[maybe_unused]] const int under_way =
                ::connect(fillers_.back(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_);
            filler_ports_.push_back(port_of(fillers_.back()));
        }
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
        while (std::chrono::steady_clock::now() < patience) {
            if (somebody_waits()) return true;
            std::this_thread::yield();
        }
        return false;
    }

 private:
    /// Whether a connection to us, but of the fillers', got no answer yet (SYN-SENT is state 02 in
    /// /proc/net/tcp). Not by counting: a filler's may still be taken, and the table tells of one twice while
    /// others come and go.
    [[nodiscard]] bool somebody_waits() const {
        std::ifstream table("/proc/net/tcp");
        std::string slot;
        std::string local;
        std::string remote;
        std::string state;
        for (std::string line; std::getline(table, line);) {
            std::istringstream(line) >> slot >> local >> remote >> state;
            if (state == "02" && port_in(remote) == port() &&
                std::ranges::find(filler_ports_, port_in(local)) == filler_ports_.end())
                return true;
        }
        return false;
    }
    /// Of `ADDRESS:PORT` in hexadecimal digits; 0: there is none.
    static unsigned port_in(const std::string& text) {
        unsigned port = 0;
        const auto colon = text.find(':');
        if (colon != std::string::npos) std::istringstream(text.substr(colon + 1)) >> std::hex >> port;
        return port;
    }
    [[nodiscard]] static std::uint16_t port_of(int descriptor) {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
        return ntohs(address.sin_port);
    }

    int listener_ = -1;
    sockaddr_in address_{};
    std::vector<int> fillers_;
    std::vector<unsigned> filler_ports_;
};

}  // namespace devkey::services
