#include "credential_provider.hpp"

#include <string>
#include <utility>

#include "storage/published.hpp"

namespace devkey {

using ports::Severity;

CredentialProvider::CredentialProvider(host::EventLoop& loop, const Shared& shared)
    : shared_(shared),
      refusals_(loop, shared,
                {.severity = Severity::Warning,
                 .name = "credential-refused",
                 .message = "the key was asked for again and again, and not given"},
                "unit"),
      socket_(loop, [this](const host::CredentialPeer& peer, const host::CredentialSocket::Give& give) {
          asked(peer, give);
      }) {}

void CredentialProvider::open(std::shared_ptr<const core::Settings> settings) {
    settings_ = std::move(settings);
    const auto& wanted = settings_->credential_socket;
    if (wanted.units.empty()) return socket_.close();
    if (socket_.listens_at(wanted.path)) return;
    if (const auto listening = socket_.listen(wanted.path); !listening)
        shared_.reporter.report(
            {Severity::Warning, "credential-socket-unavailable",
             "credential_socket.path: no unit gets the key from it: " + listening.error().message});
}

void CredentialProvider::asked(const host::CredentialPeer& peer, const host::CredentialSocket::Give& give) {
    // Another's address says nothing.
    const auto asking = peer.uid == 0 ? control::parse_asking(peer.address) : std::nullopt;
    const auto refusal = control::refusal_of(peer.uid, asking, settings_->credential_socket.units);
    if (!refusal.empty()) return tell_of_refusal(peer, asking, refusal);
    const auto published = storage::look_at_published(settings_->state_directory, settings_->credential_file);
    if (!published)
        return tell_of_refusal(peer, asking, "there is no key to give: " + published.error().message);
    if (!give(published->content)) return tell_of_refusal(peer, asking, "it could not be sent");
    shared_.reporter.report({.severity = Severity::Info,
                             .name = "credential-given",
                             .message = "a unit that starts got the key",
                             .fields = {{"unit", asking->unit},
                                        {"credential", asking->credential},
                                        {"key_id", published->key_id},
                                        {"key_name", published->key_name},
                                        {"generation", std::to_string(published->generation)}}});
}

void CredentialProvider::tell_of_refusal(const host::CredentialPeer& peer,
                                         const std::optional<control::CredentialAsking>& asking,
                                         std::string_view why) {
    ports::Event event{.severity = Severity::Warning,
                       .name = "credential-refused",
                       .message = "the key was asked for, and not given: " + std::string(why),
                       .fields = {{"uid", std::to_string(peer.uid)}, {"pid", std::to_string(peer.pid)}}};
    if (asking) {
        event.fields.emplace_back("unit", asking->unit);
        event.fields.emplace_back("credential", asking->credential);
    }
    refusals_.tell(asking ? asking->unit : "none", event);
}

}  // namespace devkey
