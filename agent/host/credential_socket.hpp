// The socket from which systemd fetches a unit's credential: nothing goes in, the credential comes back.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <list>
#include <string>

#include "core/error.hpp"
#include "core/secret.hpp"
#include "host/descriptor.hpp"
#include "host/event_loop.hpp"
#include "host/listening_socket.hpp"

namespace devkey::host {

/// Who asks, as the kernel knew it when they connected.
struct CredentialPeer {
    uid_t uid = 0;
    pid_t pid = 0;
    std::string address;  ///< that its end is bound to, as in sun_path: an abstract one begins with a NUL
};

/// systemd takes what it reads to the end, also nothing, and then starts the unit with an empty credential.
/// So who gets none is sent more than the 1 MiB that a credential may have (CREDENTIAL_SIZE_MAX in systemd;
/// systemd.exec(5) has the number): that fails the start (status 243, CREDENTIALS).
///
/// Used by the event loop's thread. No peer can hold it up. One that doesn't read what refuses it is
/// forgotten when so many have come after it.
class CredentialSocket {
 public:
    /// Sends the credential. False: it couldn't be sent as a whole, and is refused after all.
    using Give = std::function<bool(const core::Secret&)>;
    /// Who asks is refused, unless it is given within. It must not wait for anything.
    using Asked = std::function<void(const CredentialPeer&, const Give&)>;

    /// How many that are refused may take their time.
    static constexpr std::size_t most_refused = 64;

    /// `loop` outlives it.
    CredentialSocket(EventLoop& loop, Asked asked);
    CredentialSocket(const CredentialSocket&) = delete;
    CredentialSocket& operator=(const CredentialSocket&) = delete;
    ~CredentialSocket();

    /// As ListeningSocket::listen. Nobody but root and our own user may connect.
    [[nodiscard]] core::Result<void> listen(const std::string& path);
    [[nodiscard]] bool listens_at(const std::string& path) const noexcept {
        return listener_.listens_at(path);
    }
    /// Removes the socket. Who is being refused still is.
    void close() noexcept { listener_.close(); }

 private:
    struct Refused {
        Descriptor descriptor;
        std::size_t left;  // bytes to send
    };
    using Place = std::list<Refused>::iterator;

    void accepted(Descriptor descriptor);
    void refuse(Descriptor descriptor);
    void send_more(Place refused);
    void forget(Place refused);

    EventLoop& loop_;
    Asked asked_;
    ListeningSocket listener_;
    std::list<Refused> refused_;  // oldest first
};

}  // namespace devkey::host
