// How the agent decides: ordered rules over one plain struct.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock_trust.hpp"
#include "core/credential.hpp"
#include "core/decision.hpp"
#include "core/error.hpp"
#include "core/policy.hpp"
#include "core/request.hpp"
#include "core/service_view.hpp"
#include "core/state.hpp"

namespace devkey::core {

/// New keys in a row that may be removed because they never logged in; then a person has to ask for another.
inline constexpr std::uint32_t most_refused_keys = 3;

/// What may fail: an action; where it is about one of several keys, on the key with the id `target`.
struct Task {
    // NOLINTNEXTLINE(google-explicit-constructor): an action alone is a task, too
    Task(Action what, std::string which = {}) : action(what), target(std::move(which)) {}

    Action action;
    std::string target;

    auto operator<=>(const Task&) const = default;
};

/// A task that failed, and when it may be tried again.
struct Failure {
    Reason reason;
    std::string message;
    unsigned count = 0;  ///< failures in a row
    BootInstant retry_at{};
    Instant retry_on_clock{};  ///< the same by the wall clock, for people
    bool asked_for = false;  ///< the service asked for this wait (429, Retry-After): nobody may cut it short
};

/// Tries of one thing that may take effect late.
struct Patience {
    BootInstant since{};  ///< the first try
    BootInstant last{};   ///< the latest
    BootInstant next{};   ///< not before this
};

/// A key that has logged in, and when. In memory only: after a crash it logs in once more.
struct Proven {
    std::string id;
    Instant at{};
};

/// What a person asked for, until it is under way.
struct Asked {
    Request request = Request::None;
    std::uint32_t generation = 0;    ///< which key it is about; Rotate: or an earlier one
    bool compromised = false;        ///< Rotate: what is replaced is disabled at once
    std::optional<Instant> until{};  ///< Pause
    bool others_known = false;       ///< the service was asked since then which other installations there are
    bool rotation = false;
    bool look = false;         ///< to ask the service how the keys are
    bool another_key = false;  ///< to go on after most_refused_keys
};

/// Everything that a decision rests on. Gathered once per pass; nothing else is looked at.
struct Observation {
    BootInstant boot_now{};
    BootInstant began{};    ///< when the agent started
    BootInstant started{};  ///< the same, or when it came back from a suspend; long ago for who is in a hurry
    TrustedTime time;
    Millis utc_offset{};               ///< what the machine's time zone shows beyond UTC
    Identity identity;                 ///< as the settings have it now
    std::string machine;               ///< the hashed machine id; empty where there is none
    Capabilities capabilities;         ///< of the service
    std::optional<Error> state_error;  ///< why the state can't be read
    std::optional<State> state;        ///< none: there has never been one
    bool state_unsaved = false;        ///< the latest save failed
    std::optional<CredentialSight>
        credential_file;  ///< none: it couldn't be looked at, or there is nothing to compare
    std::optional<std::vector<ListedKey>>
        listed;                           ///< the owner's keys; none: the service wasn't asked just now
    std::optional<std::string> owner_id;  ///< the service's id of the owner, if we logged in
    std::optional<Patience> proof;        ///< log-ins with the pending key that were refused
    std::optional<Proven> proven;         ///< the pending key, once it has logged in
    std::optional<Patience> search;       ///< lists without the stray
    Asked asked;
    bool login_refused = false;        ///< the current key was refused since the owner last asked about it
    std::optional<Millis> silent_for;  ///< of the device's program (core/pulse.hpp); none: nobody can tell
    std::optional<Instant> beat;       ///< its latest, as it is stamped
    std::optional<Millis> beat_ago;    ///< since that; none: it wasn't seen to come
    std::optional<std::string> heartbeat_error;  ///< why the beats can't be looked at
    bool quota_is_short = false;                 ///< fewer than two slots were free at the latest look
    bool owner_is_crowded = false;               ///< three quarters of the owner's slots were taken then
    std::map<Task, Failure> failures;            ///< without a target: of the action on any key
    std::map<std::string, unsigned>
        in_vain;  ///< by a key's id: tries to change it that failed since one didn't
};

/// One rule: what it decides, or nothing if it doesn't apply.
struct Rule {
    std::string_view name;
    std::optional<Decision> (*decide)(const Policy&, const Observation&);
};

/// The rules in their order; the first that answers wins. This list is the documentation of what the agent
/// does.
[[nodiscard]] std::span<const Rule> rules();

/// What to do now, and why. Total, deterministic and silent: the same arguments give the same decision.
[[nodiscard]] Decision plan(const Policy& policy, const Observation& observation);

/// What the settings, or the service, name otherwise than the state does, for people; empty: nothing.
[[nodiscard]] std::string change_of_identity(const Observation& seen);

/// Whether `name` is a key of this device that our state recorded.
[[nodiscard]] bool is_recorded(const State& state, std::string_view name);

/// Whether it may take the place of the current one.
[[nodiscard]] bool pending_key_is_proven(const Observation& seen);

/// The key before the current one, which can be taken back into use; null if there is none.
[[nodiscard]] const OldKey* key_to_return_to(const State& state);

/// Whether `key` has the name of one that we hold, and another id: a copy of this state, made in the middle
/// of a create, has made it; or a request of ours that was given up, when somebody had removed the key that
/// kept the name taken. Which of the two can't be told.
[[nodiscard]] bool is_double(const State& state, const ListedKey& key);

}  // namespace devkey::core
