#include "host/control_socket.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

namespace devkey::host {

namespace {

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
    const auto credentials = credentials_of(descriptor);
    if (!credentials) return std::nullopt;
    return Peer{
        .uid = credentials->uid, .pid = credentials->pid, .groups = groups_of(descriptor, credentials->gid)};
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
    : loop_(loop),
      clock_(clock),
      answer_(std::move(answer)),
      limits_(limits),
      listener_(loop, [this](Descriptor peer) { accepted(std::move(peer)); }) {
    loop_.watch(timer_.descriptor(), [this] {
        timer_.clear();
        end_the_slow();
    });
}

ControlSocket::~ControlSocket() {
    close();
    loop_.forget(timer_.descriptor());
}

core::Result<void> ControlSocket::listen(const std::string& path) {
    close();
    // Who may do what is decided by who they are: whom the file let in couldn't be told why not.
    return listener_.listen(path, 0666);
}

void ControlSocket::close() noexcept {
    while (!clients_.empty()) forget(clients_.begin()->first);
    listener_.close();
}

void ControlSocket::accepted(Descriptor descriptor) {
    auto peer = peer_of(descriptor.get());
    if (!peer) return;
    peer->connection = ++connections_;
    const int number = descriptor.get();
    Client client{.descriptor = std::move(descriptor),
                  .peer = *std::move(peer),
                  .text = {},
                  .until = clock_.boot_now() + limits_.patience};
    if (is_one_too_many(client.peer))
        return static_cast<void>(answer(client, std::unexpected(NoLine::TooMany)));
    clients_.emplace(number, std::move(client));
    loop_.watch(number, [this, number] { read(number); });
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
    set_timer();
}

void ControlSocket::set_timer() {
    std::optional<core::BootInstant> next;
    for (const auto& [descriptor, client] : clients_)
        if (client.until) next = std::min(next.value_or(*client.until), *client.until);
    if (next)
        timer_.set(*next);
    else
        timer_.clear();
}

}  // namespace devkey::host
