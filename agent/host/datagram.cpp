#include "host/datagram.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <iterator>

#include "host/descriptor.hpp"

namespace devkey::host {
namespace {

// What is told is worth a wait, but not our own work: a PID 1 that has crashed keeps its sockets, and reads
// nothing.
constexpr timeval patience{.tv_sec = 2, .tv_usec = 0};

}  // namespace

int send_datagram(std::string_view address, std::string_view data) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (address.size() >= sizeof to.sun_path) return ENAMETOOLONG;
    std::ranges::copy(address, std::begin(to.sun_path));
    auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    if (address.starts_with('@'))
        to.sun_path[0] = '\0';
    else
        ++size;  // a path ends with a zero byte; in the abstract namespace, that one would be of the name
    const Descriptor socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0)
        return errno;
    const ssize_t sent = ::sendto(socket.get(), data.data(), data.size(), MSG_NOSIGNAL,
                                  reinterpret_cast<const sockaddr*>(&to), size);
    return sent < 0 ? errno : 0;
}

}  // namespace devkey::host
