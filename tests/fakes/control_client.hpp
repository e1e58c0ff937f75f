// A peer of the control socket.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "host/descriptor.hpp"

namespace devkey::fakes {

/// Reads and writes as the test says; nothing takes it longer than a minute.
class ControlClient {
 public:
    explicit ControlClient(const std::string& path)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(path, std::begin(address.sun_path));
        const timeval patience{.tv_sec = 60, .tv_usec = 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("can't connect");
    }
    void send(std::string_view text) const {
        EXPECT_EQ(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }
    /// All that comes until the other side closes.
    [[nodiscard]] std::string rest() const {
        std::string all;
        std::array<char, 4096> buffer{};
        for (ssize_t size = 0; (size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0)) > 0;)
            all.append(buffer.data(), static_cast<std::size_t>(size));
        return all;
    }
    [[nodiscard]] std::string answer_to(std::string_view line) const {
        send(line);
        return rest();
    }

 private:
    host::Descriptor socket_;
};

}  // namespace devkey::fakes
