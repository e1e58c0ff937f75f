#include "host/listening_socket.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <utility>

#include "host/system_error.hpp"

namespace devkey::host {

using core::ErrorKind;
using core::Result;

namespace {

// How long nobody is let in, when the system has no descriptors left.
constexpr core::Millis rest_after_refusal = std::chrono::seconds{1};
constexpr int backlog = 64;

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return core::fail(ErrorKind::InvalidInput, path + ": is too long for a socket: at most " +
                                                       std::to_string(sizeof address.sun_path - 1) +
                                                       " bytes");
    std::ranges::copy(path, std::begin(address.sun_path));
    return address;
}

int open_socket() {
    return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

bool connects(const sockaddr_un& address) {
    const Descriptor probe{open_socket()};
    // A full backlog is somebody's, too.
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
           errno == EAGAIN;
}

std::optional<std::pair<dev_t, ino_t>> file_at(const std::string& path) noexcept {
    struct stat there{};
    if (::lstat(path.c_str(), &there) != 0) return std::nullopt;
    return std::pair{there.st_dev, there.st_ino};
}

Result<void> make_room(const std::string& path, const sockaddr_un& address) {
    struct stat there{};
    if (::lstat(path.c_str(), &there) != 0) return {};  // what else is wrong, bind tells
    if (!S_ISSOCK(there.st_mode))
        return core::fail(ErrorKind::InvalidInput, path + ": is there and isn't a socket; remove it");
    if (connects(address))
        return core::fail(ErrorKind::Unavailable, path + ": another process listens there");
    if (::unlink(path.c_str()) != 0) return system_error(path, errno);
    return {};
}

}  // namespace

std::optional<ucred> credentials_of(int descriptor) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
    return credentials;
}

ListeningSocket::ListeningSocket(EventLoop& loop, Accepted accepted)
    : loop_(loop), accepted_(std::move(accepted)) {
    loop_.watch(rest_over_.descriptor(), [this] {
        rest_over_.clear();
        loop_.watch(listener_.get(), [this] { accept(); });
    });
}

ListeningSocket::~ListeningSocket() {
    close();
    loop_.forget(rest_over_.descriptor());
}

Result<void> ListeningSocket::listen(const std::string& path, mode_t mode) {
    close();
    const auto address = address_of(path);
    if (!address) return std::unexpected(address.error());
    if (auto room = make_room(path, *address); !room) return room;
    Descriptor listener{open_socket()};
    if (!listener) return system_error("a socket", errno);
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
        return system_error(path, errno);
    // Nobody can connect before it listens.
    if (::chmod(path.c_str(), mode) != 0 || ::listen(listener.get(), backlog) != 0) {
        const auto error = system_error(path, errno);
        ::unlink(path.c_str());
        return error;
    }
    listener_ = std::move(listener);
    path_ = path;
    file_ = file_at(path);
    loop_.watch(listener_.get(), [this] { accept(); });
    return {};
}

bool ListeningSocket::listens_at(const std::string& path) const noexcept {
    return listener_ && file_ && file_at(path) == file_;
}

void ListeningSocket::close() noexcept {
    if (!listener_) return;
    if (listens_at(path_)) ::unlink(path_.c_str());
    loop_.forget(listener_.get());
    rest_over_.clear();
    listener_ = Descriptor{};
}

void ListeningSocket::accept() {
    Descriptor peer{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (peer) return accepted_(std::move(peer));
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) rest();
}

// Who can't be let in would wake the loop again and again.
void ListeningSocket::rest() {
    loop_.forget(listener_.get());
    rest_over_.set_in(rest_after_refusal);
}

}  // namespace devkey::host
