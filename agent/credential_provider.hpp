// Hands the key to units that systemd starts: LoadCredential= with the credential socket's path.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "control/credential_asking.hpp"
#include "core/settings.hpp"
#include "host/credential_socket.hpp"
#include "host/event_loop.hpp"
#include "refusal_log.hpp"
#include "wiring.hpp"

namespace devkey {

/// Used by the main thread. What it gives is read from disk when it is asked for, whatever the worker does.
class CredentialProvider {
 public:
    /// `loop` and `shared` outlive it.
    CredentialProvider(host::EventLoop& loop, const Shared& shared);

    /// Listens as the settings say, from now on: not at all where no unit is listed, anew where its socket
    /// was deleted. Where it can't, that is reported, and the daemon goes on without.
    void open(std::shared_ptr<const core::Settings> settings);

    /// Reports the refusals that were only counted until now.
    void tell_of_counted() { refusals_.tell_of_counted(); }

 private:
    void asked(const host::CredentialPeer& peer, const host::CredentialSocket::Give& give);
    void tell_of_refusal(const host::CredentialPeer& peer,
                         const std::optional<control::CredentialAsking>& asking, std::string_view why);

    const Shared& shared_;
    std::shared_ptr<const core::Settings> settings_;
    RefusalLog refusals_;
    host::CredentialSocket socket_;
};

}  // namespace devkey
