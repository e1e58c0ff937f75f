// A key service, whichever it is: what it can do, and the calls the engine makes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/clock_trust.hpp"
#include "core/error.hpp"
#include "core/secret.hpp"
#include "core/service_view.hpp"

namespace devkey::ports {

using core::Capabilities;
using core::ListedKey;

/// What a create answers: the only time the secret is shown.
struct CreatedKey {
    std::string id;
    std::string name;
    core::Secret secret;
};

/// One owner's keys on one service. All calls block, within the deadlines of the settings; all are made by
/// one thread. Calls that need the owner's session log in first if none is open, and log in again once (and
/// only once) if it has ended. Any call may answer Unauthenticated (the owner's secret isn't accepted),
/// SecretUnusable, SecretForbidden, SecretDelayed (it can't be read), Forbidden, ProviderOff, RateLimited,
/// Unavailable, Insecure (TLS, plain HTTP, a host that isn't allowed), or InvalidInput (a setting is wrong,
/// or an id isn't one).
class KeyService {
 public:
    virtual ~KeyService() = default;

    [[nodiscard]] virtual const Capabilities& capabilities() const = 0;

    /// Logs in as the owner unless a session is open; answers the service's id of the owner.
    [[nodiscard]] virtual core::Result<std::string> log_in() = 0;

    /// All keys of the owner, in no order.
    [[nodiscard]] virtual core::Result<std::vector<ListedKey>> list() = 0;

    /// One key; NotFound if there is none of that id.
    [[nodiscard]] virtual core::Result<ListedKey> get(const std::string& id) = 0;

    /// Creates a key, sending the request at most once. Conflict: the name is taken. LimitReached.
    /// OutcomeUnknown: it may have happened or may yet happen. Every other error says that nothing was
    /// created.
    [[nodiscard]] virtual core::Result<CreatedKey> create(const std::string& name) = 0;

    /// Idempotent. NotFound if there is no key of that id; OutcomeUnknown as in create.
    [[nodiscard]] virtual core::Result<void> enable(const std::string& id) = 0;
    [[nodiscard]] virtual core::Result<void> disable(const std::string& id) = 0;

    /// Success too if there is no key of that id (any more). OutcomeUnknown as in create.
    [[nodiscard]] virtual core::Result<void> remove(const std::string& id) = 0;

    /// Logs in with a key and logs that session out again; answers the id of the owner it belongs to. Needs
    /// no owner session. Unauthenticated: the key isn't accepted (now).
    [[nodiscard]] virtual core::Result<std::string> prove(const core::Secret& key) = 0;

    /// No right clock shows an earlier time: what depends on the time (certificates) goes by this one where
    /// the machine's clock does.
    virtual void set_floor(core::Instant floor) = 0;

    /// The time that the service told with its latest answer, and when that came; none: it hasn't, since the
    /// start.
    [[nodiscard]] virtual std::optional<core::ServerDate> server_date() const = 0;

    /// Logs out what was opened and closes the connection: nothing more is due at once. Never fails; what it
    /// couldn't log out expires by itself.
    virtual void rest() noexcept = 0;
};

}  // namespace devkey::ports
