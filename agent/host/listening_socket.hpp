// A socket in the file system that peers connect to.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "core/error.hpp"
#include "host/descriptor.hpp"
#include "host/event_loop.hpp"
#include "host/timer.hpp"

namespace devkey::host {

/// Used by the event loop's thread. When the system has no descriptors left, it lets nobody in for a second.
class ListeningSocket {
 public:
    /// Takes the end of a peer that has connected: it doesn't block.
    using Accepted = std::function<void(Descriptor)>;

    /// `loop` outlives it.
    ListeningSocket(EventLoop& loop, Accepted accepted);
    ListeningSocket(const ListeningSocket&) = delete;
    ListeningSocket& operator=(const ListeningSocket&) = delete;
    ~ListeningSocket();

    /// Listens at `path` from now on, and no more where it listened before. Who may write to it by `mode` may
    /// connect. A socket that nobody listens to is replaced. Unavailable: another process listens there;
    /// InvalidInput: it is too long for a socket, or there is something else; NotFound, Forbidden, Io.
    [[nodiscard]] core::Result<void> listen(const std::string& path, mode_t mode);
    /// Not where its socket was deleted, or something else took its place.
    [[nodiscard]] bool listens_at(const std::string& path) const noexcept;
    /// Removes it, if it is still there.
    void close() noexcept;

 private:
    void accept();
    void rest();

    EventLoop& loop_;
    Accepted accepted_;
    Timer rest_over_;  // not set while it listens
    Descriptor listener_;
    std::string path_;
    std::optional<std::pair<dev_t, ino_t>> file_;  // its socket: no other has these as long as it is open
};

/// Who connected to this end, as the kernel knew it then: nobody can claim to be another.
[[nodiscard]] std::optional<ucred> credentials_of(int descriptor);

}  // namespace devkey::host
