// What `status` tells: how the device fares, as one value without any secret.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock_trust.hpp"
#include "core/decision.hpp"
#include "core/policy.hpp"
#include "core/state.hpp"

namespace devkey::core {

/// In one word, for people and monitors.
enum class Health {
    Healthy,       ///< the key works, by a proof that isn't too old, and nothing needs anybody
    Degraded,      ///< the device has a key, but something waits, or needs a person
    Failing,       ///< the device has no key that works, as far as we know
    OutOfService,  ///< a person took it out of service
};

/// `healthy`, `degraded`, `failing`, `out-of-service`.
[[nodiscard]] std::string_view name_of(Health health);
/// `none`, `floor`, `synchronised`, `server`.
[[nodiscard]] std::string_view name_of(ClockTrust trust);
/// `enabled`, `disabled-outside`, `deleted-outside`, `switching-off`, `switched-off`.
[[nodiscard]] std::string_view name_of(Standing standing);

/// A key without its secret.
struct KeyStatus {
    std::string id;
    std::string name;
    std::uint32_t generation = 0;
    Instant created_at{};
    std::optional<Instant> published_at{};
    Standing standing = Standing::Enabled;
    /// When it was last seen to work: it logged in, or the service had it as enabled.
    std::optional<Instant> proven_at{};
    bool off_by_person = false;  ///< where it is switched off: a person asked for that
    std::optional<Instant> acknowledged_at{};
    std::optional<Instant> returned_at{};

    bool operator==(const KeyStatus&) const = default;
};

/// One that was current once, without its secret.
struct OldKeyStatus {
    std::string id;
    std::string name;
    std::uint32_t generation = 0;
    std::optional<Instant> superseded_at{};
    std::optional<Instant> disabled_at{};
    bool can_return = false;  ///< it may be taken back into use

    bool operator==(const OldKeyStatus&) const = default;
};

/// How many of the owner's slots for keys were taken, when the service last listed them.
struct Slots {
    std::size_t taken = 0;
    std::size_t most = 0;  ///< 0: there is no limit
    Instant at{};          ///< when that was

    bool operator==(const Slots&) const = default;
};

struct Status {
    Health health = Health::Failing;
    Decision decision{};                  ///< the latest: what it waits for, and why
    std::optional<Instant> next_at{};     ///< when it looks again, by the best clock there is
    std::string device{};                 ///< the device's id
    Instant now{};                        ///< by the best clock there is
    ClockTrust trust = ClockTrust::None;  ///< how good that is
    bool usable = false;                  ///< the credential file holds the current key, whole
    std::optional<KeyStatus> key{};       ///< the current one
    std::optional<Millis> proof_lasts{};  ///< an older proof is too old; none: the policy asks for none
    std::vector<OldKeyStatus> superseded{};
    std::vector<OtherKey> others{};
    std::vector<NotedFailure> failures{};
    std::optional<Slots> slots{};  ///< none: not asked since the agent started
    std::optional<Instant> decommissioned_at{};
    std::optional<Pause> pause{};

    bool operator==(const Status&) const = default;
};

/// How long a proof that the key works is good: twice the shortest interval at which the policy looks. None:
/// it doesn't look.
[[nodiscard]] std::optional<Millis> proof_lasts(const WatchdogPolicy& policy);

/// What the state tells; the caller adds what only the agent knows (`usable`, `decision`, `next_at`,
/// `slots`), and then the health.
[[nodiscard]] Status status_of(const Policy& policy, const std::optional<State>& state,
                               const TrustedTime& time);

/// The same when `by` has passed, and nothing has happened since: a proof grows old also while nobody looks.
[[nodiscard]] Status later(Status status, Millis by);

/// By the status's other fields.
[[nodiscard]] Health health_of(const Status& status);

/// Sets the health; and where nothing but the age of the proof stands against it, says so in the decision's
/// detail.
void assess(Status& status);

/// The status in a line for people, as systemd shows it: `REASON: SENTENCE[: DETAIL]`. It begins with
/// `healthy:` where the health is that, and nowhere else.
[[nodiscard]] std::string headline_of(const Status& status);

}  // namespace devkey::core
