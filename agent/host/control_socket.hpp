// The socket on which people and scripts talk to the daemon: one line in, one line out.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/time.hpp"
#include "host/descriptor.hpp"
#include "host/event_loop.hpp"
#include "host/listening_socket.hpp"
#include "host/timer.hpp"
#include "ports/clock.hpp"

namespace devkey::host {

/// Who asks, as the kernel knew it when they connected: nobody can claim to be another.
struct Peer {
    uid_t uid = 0;
    pid_t pid = 0;
    std::vector<gid_t> groups;     ///< all of them: the primary one first
    std::uint64_t connection = 0;  ///< its number among all that there ever were
};

/// Why there is no line to answer.
enum class NoLine {
    TooLong,  ///< more than ControlLimits::longest
    TooSlow,  ///< it wasn't there in time
    TooMany,  ///< this user, or all of them together, have too many connections
};

struct ControlLimits {
    std::size_t longest = 4096;    ///< bytes of a line, without its end
    std::size_t most = 64;         ///< connections at once
    std::size_t most_of_one = 16;  ///< of one user; root and our own user have no such limit
    core::Millis patience = std::chrono::seconds{2};  ///< for the whole line of a peer
};

/// Used by the event loop's thread. No peer can hold it up: it neither waits for a line nor for an answer to
/// be read, and it forgets who is slow. What a peer may ask is for the handler to decide: everybody may
/// connect.
class ControlSocket {
 public:
    using Line = std::expected<std::string_view, NoLine>;
    /// Answers a line (without its end) with a line (likewise, at most 100 KiB), or with nothing, and later
    /// by answer_later(). It must not wait for anything.
    using Answer = std::function<std::optional<std::string>(const Peer&, Line)>;

    /// `loop` and `clock` outlive it.
    ControlSocket(EventLoop& loop, const ports::Clock& clock, Answer answer, ControlLimits limits = {});
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;
    ~ControlSocket();

    /// As ListeningSocket::listen, and forgets the connections that there are.
    [[nodiscard]] core::Result<void> listen(const std::string& path);
    [[nodiscard]] bool listens_at(const std::string& path) const noexcept {
        return listener_.listens_at(path);
    }
    /// The answer to what was left open by `connection`. Nothing if that is closed. Not from within Answer.
    void answer_later(std::uint64_t connection, const std::string& text);
    /// Forgets all connections, and removes the socket.
    void close() noexcept;

 private:
    struct Client {
        Descriptor descriptor;
        Peer peer;
        std::string text;
        std::optional<core::BootInstant> until;  // none: it has asked, and is to be answered later
    };

    void accepted(Descriptor descriptor);
    void read(int descriptor);
    [[nodiscard]] bool answer(const Client& client, Line line) const;
    void finish(int descriptor);
    void forget(int descriptor);
    void end_the_slow();
    void set_timer();
    [[nodiscard]] bool is_one_too_many(const Peer& peer) const;

    EventLoop& loop_;
    const ports::Clock& clock_;
    Answer answer_;
    ControlLimits limits_;
    Timer timer_;
    ListeningSocket listener_;
    std::map<int, Client> clients_;  // by descriptor
    std::uint64_t connections_ = 0;
};

}  // namespace devkey::host
