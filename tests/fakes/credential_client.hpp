// Asks on the credential socket as systemd does, which is root.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <iomanip>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>

#include "host/descriptor.hpp"

namespace devkey::fakes {

/// The abstract name that systemd would have for that unit, another each time: RANDOM/unit/UNIT/CREDENTIAL.
inline std::string name_for(const std::string& unit, const std::string& credential = "api-key") {
    static std::atomic<unsigned> count{0};
    std::ostringstream name;
    name << std::hex << ::getpid() << std::setw(6) << std::setfill('0') << ++count;
    return name.str() + "/unit/" + unit + "/" + credential;
}

/// Nothing takes it longer than a minute.
class CredentialClient {
 public:
    /// `name`: the abstract name that its end is bound to, as systemd's is: no other has it meanwhile. Empty:
    /// none.
    CredentialClient(const std::string& path, const std::string& name)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval patience{.tv_sec = 60, .tv_usec = 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        sockaddr_un own{};
        own.sun_family = AF_UNIX;
        std::ranges::copy(name, std::next(std::begin(own.sun_path)));
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
        if (!name.empty() && ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), size) != 0)
            throw std::runtime_error("can't bind");
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(path, std::begin(address.sun_path));
        if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("can't connect");
        ::shutdown(socket_.get(), SHUT_WR);
    }
    /// All that comes until the other side closes.
    [[nodiscard]] std::string rest() const {
        std::string all;
        std::array<char, 65536> buffer{};
        for (ssize_t size = 0; (size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0)) > 0;)
            all.append(buffer.data(), static_cast<std::size_t>(size));
        return all;
    }

 private:
    host::Descriptor socket_;
};

/// Whether systemd would fail the unit's start with that answer, which holds no key.
inline bool refuses(const std::string& answer) {
    return answer.size() > std::size_t{1024} * 1024 && answer.find_first_not_of('\0') == std::string::npos;
}

}  // namespace devkey::fakes
