#include "host/control_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
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

std::vector<gid_t> groups_of(int descriptor, gid_t primary) {
    std::vector<gid_t> groups(64);
    socklen_t size = 0;
    for (;;) {
        size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
        if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) break;
        if (errno != ERANGE) return {primary};
        groups.resize(size / sizeof(gid_t));
    }
    groups.resize(size / sizeof(gid_t));
    groups.insert(groups.begin(), primary);
    return groups;
}

std::optional<Peer> peer_of(int descriptor) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
    return Peer{
        .uid = credentials.uid, .pid = credentials.pid, .groups = groups_of(descriptor, credentials.gid)};
}

/// It fits into the socket's buffer; who isn't there any more doesn't get it.
void send_line(int descriptor, const std::string& text) {
    const std::string line = text + '\n';
    static_cast<void>(::send(descriptor, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

/// What is left unread when a socket is closed takes the answer with it.
void drain(int descriptor) {
    constexpr int most = 16;
    std::array<char, 4096> rest{};
    for (int i = 0; i < most && ::recv(descriptor, rest.data(), rest.size(), 0) > 0;) ++i;
}

}  // namespace

ControlSocket::ControlSocket(EventLoop& loop, const ports::Clock& clock, Answer answer, ControlLimits limits)
    : loop_(loop), clock_(clock), answer_(std::move(answer)), limits_(limits) {
    loop_.watch(timer_.descriptor(), [this] {
        timer_.clear();
        end_the_slow();
    });
}

ControlSocket::~ControlSocket() {
    close();
    loop_.forget(timer_.descriptor());
}

Result<void> ControlSocket::listen(const std::string& path) {
    close();
    const auto address = address_of(path);
    if (!address) return std::unexpected(address.error());
    if (auto room = make_room(path, *address); !room) return room;
    Descriptor listener{open_socket()};
    if (!listener) return system_error("a socket", errno);
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
        return system_error(path, errno);
    // Who may do what is decided by who they are: whom the file let in couldn't be told why not.
    if (::chmod(path.c_str(), 0666) != 0 || ::listen(listener.get(), backlog) != 0) {
        const auto error = system_error(path, errno);
        ::unlink(path.c_str());
        return error;
    }
    listener_ = std::move(listener);
    path_ = path;
    loop_.watch(listener_.get(), [this] { accept(); });
    return {};
}

void ControlSocket::close() noexcept {
    while (!clients_.empty()) forget(clients_.begin()->first);
    if (!listener_) return;
    loop_.forget(listener_.get());
    listener_ = Descriptor{};
    ::unlink(std::exchange(path_, {}).c_str());
    deaf_until_ = {};
}

void ControlSocket::accept() {
    Descriptor accepted{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!accepted) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) rest();
        return;
    }
    auto peer = peer_of(accepted.get());
    if (!peer) return;
    peer->connection = ++connections_;
    const int number = accepted.get();
    Client client{.descriptor = std::move(accepted),
                  .peer = *std::move(peer),
                  .text = {},
                  .until = clock_.boot_now() + limits_.patience};
    if (is_one_too_many(client.peer))
        return static_cast<void>(answer(client, std::unexpected(NoLine::TooMany)));
    clients_.emplace(number, std::move(client));
    loop_.watch(number, [this, number] { read(number); });
    set_timer();
}

// Who can't be let in would wake the loop again and again.
void ControlSocket::rest() {
    loop_.forget(listener_.get());
    deaf_until_ = clock_.boot_now() + rest_after_refusal;
    set_timer();
}

bool ControlSocket::is_one_too_many(const Peer& peer) const {
    const auto of_this =
        std::ranges::count_if(clients_, [&](const auto& entry) { return entry.second.peer.uid == peer.uid; });
    const bool is_ours = peer.uid == 0 || peer.uid == ::geteuid();
    // Others can't shut us out: what they may have together leaves room.
    if (is_ours) return clients_.size() >= 2 * limits_.most;
    return clients_.size() >= limits_.most || static_cast<std::size_t>(of_this) >= limits_.most_of_one;
}

void ControlSocket::read(int descriptor) {
    Client& client = clients_.at(descriptor);
    std::array<char, 4096> buffer{};
    const auto size = ::recv(descriptor, buffer.data(), buffer.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) {
        forget(descriptor);
        return set_timer();
    }
    client.text.append(buffer.data(), static_cast<std::size_t>(size));
    const auto end = client.text.find('\n');
    const bool too_long = std::min(end, client.text.size()) > limits_.longest;
    if (!too_long && end == std::string::npos) return;
    const Line line =
        too_long ? Line(std::unexpected(NoLine::TooLong)) : std::string_view(client.text).substr(0, end);
    if (answer(client, line)) return finish(descriptor);
    // Whatever else it sends, or that it leaves, is of no interest until then.
    loop_.forget(descriptor);
    client.until.reset();
    set_timer();
}

/// False: it is to be answered later.
bool ControlSocket::answer(const Client& client, Line line) const {
    const auto text = answer_(client.peer, line);
    if (text) send_line(client.descriptor.get(), *text);
    return text.has_value();
}

void ControlSocket::answer_later(std::uint64_t connection, const std::string& text) {
    const auto client = std::ranges::find_if(
        clients_, [&](const auto& entry) { return entry.second.peer.connection == connection; });
    if (client == clients_.end()) return;
    send_line(client->first, text);
    finish(client->first);
}

void ControlSocket::finish(int descriptor) {
    drain(descriptor);
    forget(descriptor);
    set_timer();
}

void ControlSocket::forget(int descriptor) {
    loop_.forget(descriptor);
    clients_.erase(descriptor);
}

void ControlSocket::end_the_slow() {
    const auto now = clock_.boot_now();
    std::vector<int> slow;
    for (const auto& [descriptor, client] : clients_)
        if (client.until && *client.until <= now) slow.push_back(descriptor);
    for (const int descriptor : slow) {
        static_cast<void>(answer(clients_.at(descriptor), std::unexpected(NoLine::TooSlow)));
        forget(descriptor);
    }
    if (deaf_until_ != core::BootInstant{} && deaf_until_ <= now) {
        deaf_until_ = {};
        loop_.watch(listener_.get(), [this] { accept(); });
    }
    set_timer();
}

void ControlSocket::set_timer() {
    std::optional<core::BootInstant> next;
    if (deaf_until_ != core::BootInstant{}) next = deaf_until_;
    for (const auto& [descriptor, client] : clients_)
        if (client.until) next = std::min(next.value_or(*client.until), *client.until);
    if (next)
        timer_.set(*next);
    else
        timer_.clear();
}

}  // namespace devkey::host
