// Listens where systemd or its journal would.
#pragma once

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <stdexcept>
#include <string>

#include "fakes/temporary_directory.hpp"
#include "host/descriptor.hpp"
#include "host/readable.hpp"

namespace devkey::host {

class DatagramSocket {
 public:
    /// A path, or `@` and a name in the abstract namespace.
    explicit DatagramSocket(const std::string& at) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        at.copy(address.sun_path, sizeof address.sun_path - 1);
        if (at.starts_with('@')) address.sun_path[0] = '\0';
        const auto size = offsetof(sockaddr_un, sun_path) + at.size() + (at.starts_with('@') ? 0 : 1);
        if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(size)) != 0)
            throw std::runtime_error("no socket at " + at);
    }

    /// One thing that was told; empty: nothing.
    [[nodiscard]] std::string told() const {
        std::string buffer(65536, '\0');
        if (!readable_now(socket_.get())) return "";
        const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        buffer.resize(static_cast<std::size_t>(size));
        return buffer;
    }

 private:
    Descriptor socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

/// Names itself in $NOTIFY_SOCKET while it is there.
class NotifySocket {
 public:
    NotifySocket() { ::setenv("NOTIFY_SOCKET", path_.c_str(), 1); }
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;
    ~NotifySocket() { ::unsetenv("NOTIFY_SOCKET"); }

    [[nodiscard]] std::string told() const { return socket_.told(); }

 private:
    fakes::TemporaryDirectory directory_;
    std::string path_ = directory_.file("notify");
    DatagramSocket socket_{path_};
};

}  // namespace devkey::host
