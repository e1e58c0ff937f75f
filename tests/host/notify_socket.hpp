// Listens where systemd would.
#pragma once

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <string>

#include "fakes/temporary_directory.hpp"
#include "host/descriptor.hpp"
#include "host/readable.hpp"

namespace devkey::host {

/// Names itself in $NOTIFY_SOCKET while it is there.
class NotifySocket {
 public:
    NotifySocket() {
        const std::string path = directory_.file("notify");
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("no notify socket at " + path);
        ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    }
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;
    ~NotifySocket() { ::unsetenv("NOTIFY_SOCKET"); }

    /// One thing that was told; empty: nothing.
    [[nodiscard]] std::string told() const {
        std::array<char, 4096> buffer{};
        if (!readable_now(socket_.get())) return "";
        const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        return {buffer.data(), static_cast<std::size_t>(size)};
    }

 private:
    fakes::TemporaryDirectory directory_;
    Descriptor socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

}  // namespace devkey::host
