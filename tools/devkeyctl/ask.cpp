#include "devkeyctl/ask.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace devkey::ctl {

using core::ErrorKind;
using core::Result;

namespace {

constexpr timeval patience{.tv_sec = 15, .tv_usec = 0};

struct Socket {
    explicit Socket(int descriptor) : number(descriptor) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() {
        if (number >= 0) ::close(number);
    }
    int number;
};

std::unexpected<core::Error> not_reached(const std::string& path, int error) {
    const bool nobody = error == ENOENT || error == ECONNREFUSED || error == ENOTDIR;
    if (nobody) return core::fail(ErrorKind::NotFound, path + ": no devkeyd listens there: is it running?");
    const bool closed = error == EACCES || error == EPERM;
    return core::fail(closed ? ErrorKind::Forbidden : ErrorKind::Unavailable,
                      path + ": " + std::strerror(error));
}

Result<std::string> exchange(int socket, const std::string& path, const std::string& line) {
    // A daemon that has too many callers answers and closes without having read.
    static_cast<void>(::send(socket, line.data(), line.size(), MSG_NOSIGNAL));
    std::string answer;
    std::array<char, 4096> buffer{};
    while (!answer.ends_with('\n')) {
        const auto size = ::recv(socket, buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0)
            return core::fail(ErrorKind::Unavailable, path + ": devkeyd gave no whole answer: ask again");
        answer.append(buffer.data(), static_cast<std::size_t>(size));
    }
    answer.pop_back();
    return answer;
}

}  // namespace

Result<std::string> ask(const std::string& path, const control::Question& question) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return core::fail(ErrorKind::InvalidInput, path + ": is too long for a socket");
    std::ranges::copy(path, std::begin(address.sun_path));
    const Socket socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (socket.number < 0) return not_reached(path, errno);
    for (const int limit : {SO_RCVTIMEO, SO_SNDTIMEO})
        ::setsockopt(socket.number, SOL_SOCKET, limit, &patience, sizeof patience);
    if (::connect(socket.number, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return not_reached(path, errno);
    return exchange(socket.number, path, control::format_question(question) + '\n');
}

}  // namespace devkey::ctl
