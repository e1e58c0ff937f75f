#include "server/connections.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace devkey::server {

using Poco::Net::IPAddress;

std::string client_of(const IPAddress& host) {
    const bool has_a_site = host.family() == IPAddress::IPv6 && !host.isIPv4Mapped();
    return (has_a_site ? host & IPAddress(64, IPAddress::IPv6) : host).toString();
}

Connections::Connections(std::chrono::milliseconds patience, std::size_t each)
    : patience_(patience), each_(each), watchdog_([this](const std::stop_token& stop) { watch(stop); }) {}

Connections::~Connections() = default;

Connections::Place::Place(Connections& connections, int socket, std::string client)
    : connections_(connections), client_(std::move(client)) {
    const std::lock_guard lock(connections_.mutex_);
    const auto known = connections_.clients_.find(client_);
    const bool has_its_share = known != connections_.clients_.end() && known->second >= connections_.each_;
    if (connections_.stopping_ || has_its_share) return;
    socket_ = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (socket_ < 0) return;
    ++connections_.clients_[client_];
    connections_.deadlines_[socket_] = Clock::now() + connections_.patience_;
    connections_.change();
}

Connections::Place::~Place() {
    if (!taken()) return;
    const std::lock_guard lock(connections_.mutex_);
    connections_.deadlines_.erase(socket_);
    if (--connections_.clients_[client_] == 0) connections_.clients_.erase(client_);
    ::close(socket_);
    connections_.change();
}

void Connections::Place::answer() {
    connections_.set_deadline(socket_, Clock::time_point::max());
}

void Connections::Place::wait_for_client() {
    connections_.set_deadline(socket_, Clock::now() + connections_.patience_);
}

void Connections::set_deadline(int socket, Clock::time_point deadline) {
    const std::lock_guard lock(mutex_);
    deadlines_[socket] = deadline;
    change();
}

void Connections::watch(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        auto next = Clock::time_point::max();
        for (auto& [socket, deadline] : deadlines_) {
            if (deadline <= Clock::now()) {
                ::shutdown(socket, SHUT_RDWR);
                deadline = Clock::time_point::max();
            }
            next = std::min(next, deadline);
        }
        const auto changed = [this, seen = changes_] { return changes_ != seen; };
        if (next == Clock::time_point::max())
            changed_.wait(lock, stop, changed);
        else
            changed_.wait_until(lock, stop, next, changed);
    }
}

void Connections::change() {
    ++changes_;
    changed_.notify_all();
}

void Connections::stop(std::chrono::milliseconds grace) {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    // What a client has sent whole is still read and answered; where nothing came, this ends the waiting.
    for (const auto& [socket, deadline] : deadlines_) ::shutdown(socket, SHUT_RD);
    changed_.wait_for(lock, grace, [this] { return deadlines_.empty(); });
    for (const auto& [socket, deadline] : deadlines_) ::shutdown(socket, SHUT_RDWR);
}

}  // namespace devkey::server
