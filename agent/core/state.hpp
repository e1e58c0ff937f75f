// What the agent knows: the content of state.json. Plain values; storage/ gives them their form on disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/secret.hpp"
#include "core/time.hpp"

namespace devkey::core {

/// What a state is bound to. If the settings stop saying the same, nothing is changed anywhere
/// (`identity-changed`).
struct Identity {
    std::string service;  ///< the key service's URL as set, without a trailing slash
    std::string app;      ///< the app's id on that service
    std::string owner;    ///< provider and account as set: `local-userpass:alice@example.com`; never a secret
    std::string device;   ///< the device id

    bool operator==(const Identity&) const = default;
};

/// A key of this device whose secret we hold.
struct Key {
    std::string id;    ///< the service's id
    std::string name;  ///< as core/key_name.hpp makes it
    std::uint32_t generation = 0;
    Secret secret;
    Instant created_at{};  ///< when its create was answered, in our wall time
    /// Only where its name was asked for more than once: until when an earlier, unanswered request may make
    /// another key of that name, if this one were removed.
    std::optional<Instant> echo_until{};

    bool operator==(const Key&) const = default;
};

/// A create, written down before it is sent. While one is open, no other name is ever tried.
struct Intent {
    enum class Stage {
        Unsent,  ///< no request with this name is under way or may have landed
        Sent,    ///< sent, and not answered: a key of this name may exist, now or later
        Landed,  ///< the service says that the name is taken: a key of this name exists, its secret is lost
        Found,   ///< the stray's id is known: it is removed next
    };
    std::string name;
    std::uint32_t generation = 0;
    Stage stage = Stage::Unsent;
    std::string id;     ///< the stray's id; only at Found
    Instant sent_at{};  ///< when a create of this name was last sent; the epoch: never

    bool operator==(const Intent&) const = default;
};

/// A new key that hasn't logged in yet, or an earlier one that returns.
struct PendingKey {
    enum class Stage {
        Received,   ///< its secret is saved; it hasn't logged in yet
        Refused,    ///< it never logged in: it is removed, and never used, whatever it does now
        Returning,  ///< an old key that comes back: it may have to be enabled first
    };
    Key key;
    Stage stage = Stage::Received;
    bool returns = false;  ///< it was in use before: one that doesn't log in isn't removed

    bool operator==(const PendingKey&) const = default;
};

/// Whether the current key can be used, as far as we know.
enum class Standing {
    Enabled,
    DisabledOutside,  ///< somebody else disabled it
    DeletedOutside,   ///< somebody else deleted it
    SwitchingOff,     ///< we disable it, because the device's program is silent: it may be disabled already
    SwitchedOff,      ///< we have
};

/// Whether it was we who disabled the key: only that is ever undone.
[[nodiscard]] constexpr bool is_switched_off(Standing standing) {
    return standing == Standing::SwitchingOff || standing == Standing::SwitchedOff;
}

/// What came of telling the device's programs about a key.
struct Told {
    bool done = false;
    std::uint32_t failures = 0;  ///< in a row
    std::string message{};       ///< of the latest

    bool operator==(const Told&) const = default;
};

/// The key that programs on this device use.
struct CurrentKey {
    Key key;
    std::optional<Instant> published_at;  ///< none until the credential file was first written with it
    Standing standing = Standing::Enabled;
    std::optional<Instant> logged_in_at{};  ///< the latest time it was seen to log in
    std::optional<Instant> listed_at{};     ///< the latest time the service was asked about it
    /// Since we disabled or enabled it: until then a read may not show it, and an earlier request may still
    /// be on its way.
    std::optional<Instant> unsure_until{};
    /// How the heartbeat file was stamped when we switched the key off: any other stamp since is a return. By
    /// the machine's clock, whatever that showed: it is compared, never counted from.
    std::optional<Instant> last_beat{};
    /// Where we switched it off: a person asked for that, and only a person has it enabled.
    bool off_by_person = false;
    std::optional<Instant> acknowledged_at{};  ///< when a person or a program said that it is in use
    std::optional<Instant> returned_at{};      ///< when it was taken back into use, in its successor's place
    Told told{};                               ///< that it is published

    bool operator==(const CurrentKey&) const = default;
};

/// A key that was current once.
struct OldKey {
    std::string id;
    std::string name;
    std::uint32_t generation = 0;
    std::optional<Instant> superseded_at{};  ///< when its successor was published: the grace runs from then
    std::optional<Instant> disabled_at{};    ///< when it was disabled; none: it may be enabled
    std::optional<Instant> echo_until{};     ///< see Key: it isn't removed before
    Instant created_at{};                    ///< see Key
    /// Kept as long as it can be taken back into use: empty once it leaked, goes, or the device leaves.
    Secret secret{};
    /// Until when a request to disable it that wasn't answered may take effect.
    std::optional<Instant> unsure_until{};
    Told told{};  ///< that it goes

    bool operator==(const OldKey&) const = default;
};

/// A key of this device that another installation made.
struct OtherKey {
    std::string id;
    std::string name;
    Instant seen_at{};      ///< when we first saw it
    bool disabled = false;  ///< by us

    bool operator==(const OtherKey&) const = default;
};

/// A person wants nothing done by the policy's schedule.
struct Pause {
    std::optional<Instant> until{};  ///< none: until a person says so

    bool operator==(const Pause&) const = default;
};

/// What failed and is tried again: for people who ask why; nothing is decided by it.
struct NotedFailure {
    std::string action;       ///< its stable name
    std::string target;       ///< the id of the key it is about, where that isn't the current one
    std::string reason;       ///< its stable name
    std::string message;      ///< as the log has it; never a secret
    std::uint32_t count = 0;  ///< in a row
    Instant retry_at{};       ///< the next try, by the wall clock

    bool operator==(const NotedFailure&) const = default;
};

/// The truth. Everything else on disk is rendered from it.
struct State {
    Identity identity;
    std::string owner_id;      ///< the service's id of the owner, from the first log-in
    std::string installation;  ///< random tag of this installation, in every key's name
    std::string machine;       ///< the hashed machine id it was made on; empty where the machine has none
    std::uint32_t last_generation = 0;  ///< the highest ever used
    std::uint32_t refused_keys = 0;     ///< new keys in a row that were removed because they never logged in
    Instant last_seen{};                ///< the latest time we knew from a clock we trust
    std::vector<std::string> retired;   ///< names of keys that we removed: the latest, oldest first
    std::optional<Intent> intent;
    std::optional<PendingKey> pending;
    std::optional<CurrentKey> current;
    std::vector<OldKey> superseded;  ///< oldest first
    std::vector<OtherKey> others;    ///< in the order in which they were seen
    /// The name of a key with our tag that was in the latest list, and that we never made: a twin's.
    std::optional<std::string> twin;
    std::vector<NotedFailure> failures;  ///< after the latest action
    /// When a person took the device out of service: the tombstone. Its keys are in `superseded` until they
    /// are gone.
    std::optional<Instant> decommissioned_at;
    std::optional<Pause> pause;

    bool operator==(const State&) const = default;
};

}  // namespace devkey::core
