#include "host/credential_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

namespace devkey::host {
namespace {

constexpr std::size_t too_much = std::size_t{1024} * 1024 + 1;

std::optional<CredentialPeer> asker_of(int descriptor) {
    const auto credentials = credentials_of(descriptor);
    sockaddr_un address{};
    socklen_t size = sizeof address;
    if (!credentials || ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return std::nullopt;
    // Of one that isn't bound there is the family only.
    const auto length =
        std::max<std::size_t>(size, offsetof(sockaddr_un, sun_path)) - offsetof(sockaddr_un, sun_path);
    return CredentialPeer{.uid = credentials->uid,
                          .pid = credentials->pid,
                          .address = std::string(std::begin(address.sun_path), length)};
}

ssize_t send_now(int descriptor, std::string_view text) {
    return ::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

CredentialSocket::CredentialSocket(EventLoop& loop, Asked asked)
    : loop_(loop),
      asked_(std::move(asked)),
      listener_(loop, [this](Descriptor peer) { accepted(std::move(peer)); }) {}

CredentialSocket::~CredentialSocket() {
    while (!refused_.empty()) forget(refused_.begin());
}

core::Result<void> CredentialSocket::listen(const std::string& path) {
    return listener_.listen(path, 0600);
}

void CredentialSocket::accepted(Descriptor descriptor) {
    bool given = false;
    const auto give = [&](const core::Secret& credential) {
        const auto text = credential.reveal();
        // It fits into the socket's buffer.
        given = !text.empty() && send_now(descriptor.get(), text) == static_cast<ssize_t>(text.size());
        return given;
    };
    if (const auto peer = asker_of(descriptor.get())) asked_(*peer, give);
    if (!given) refuse(std::move(descriptor));
}

void CredentialSocket::refuse(Descriptor descriptor) {
    if (refused_.size() == most_refused) forget(refused_.begin());
    const int number = descriptor.get();
    const auto refused = refused_.insert(refused_.end(), {std::move(descriptor), too_much});
    loop_.watch(number, [this, refused] { send_more(refused); }, EventLoop::When::Writable);
}

void CredentialSocket::send_more(Place refused) {
    static constexpr std::array<char, 4096> nothing{};
    while (refused->left > 0) {
        const auto sent =
            send_now(refused->descriptor.get(), {nothing.data(), std::min(nothing.size(), refused->left)});
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (sent < 0) break;  // it has left
        refused->left -= static_cast<std::size_t>(sent);
    }
    forget(refused);
}

void CredentialSocket::forget(Place refused) {
    loop_.forget(refused->descriptor.get());
    refused_.erase(refused);
}

}  // namespace devkey::host
