// What the owner of the device wants: the content of policy.yaml.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/service_view.hpp"
#include "core/time.hpp"
#include "core/window.hpp"

namespace devkey::core {

/// When the key is replaced by a new one.
struct RotatePolicy {
    std::optional<Millis> after = std::chrono::days{30};  ///< age; none: never by age, only on demand
    unsigned jitter_percent = 10;  ///< of `after`: how much earlier, fixed per device and generation
    std::vector<Window> windows;   ///< a rotation by age begins only in one of these; empty: at any time
    bool local_time = false;       ///< whether the windows mean the machine's time zone; else UTC

    bool operator==(const RotatePolicy&) const = default;
};

/// What becomes of a key when its successor is published.
struct SupersededPolicy {
    enum class Then { Disable, Delete };
    Millis keep_enabled = std::chrono::hours{24};  ///< the grace, counted from the successor's publishing
    Then then = Then::Disable;
    Millis delete_after = std::chrono::days{7};  ///< counted from the disabling

    bool operator==(const SupersededPolicy&) const = default;
};

/// What is done about keys of this device that another installation made.
struct OtherInstallationsPolicy {
    enum class Action { Report, Disable, Delete };
    Action action = Action::Report;
    Millis after = std::chrono::days{30};  ///< counted from when we first saw the key

    bool operator==(const OtherInstallationsPolicy&) const = default;
};

/// What is done when somebody else disabled or deleted our key.
struct OutsideChangesPolicy {
    enum class Disabled { Hold, Enable, Replace };
    enum class Deleted { Hold, Replace };
    Disabled disabled = Disabled::Hold;
    Deleted deleted = Deleted::Hold;

    bool operator==(const OutsideChangesPolicy&) const = default;
};

/// A dead man's switch on the age of a file that the device's program touches.
struct HeartbeatPolicy {
    enum class Then { Disable, Rotate, Alert };
    enum class OnReturn { Enable, Hold };
    std::string file;                             ///< absolute
    Millis stale_after = std::chrono::hours{72};  ///< silence, from the latest beat or from boot
    Then then = Then::Alert;
    OnReturn on_return = OnReturn::Enable;  ///< only if it was we who disabled

    bool operator==(const HeartbeatPolicy&) const = default;
};

struct WatchdogPolicy {
    unsigned jitter_percent = 10;  ///< of each interval: how much shorter, fixed per device
    bool credential_file = true;   ///< watched, and restored when it was touched
    std::optional<Millis> key_login = std::chrono::hours{6};    ///< none: never
    std::optional<Millis> key_listed = std::chrono::hours{24};  ///< none: never
    std::optional<HeartbeatPolicy> heartbeat{};                 ///< none: no dead man's switch

    bool operator==(const WatchdogPolicy&) const = default;
};

/// A program that is run when something happens to the key.
struct Hook {
    std::vector<std::string> run;  ///< its absolute path and its arguments: no shell
    Millis timeout = std::chrono::seconds{30};
    bool required = false;  ///< whether what follows waits until it succeeds

    bool operator==(const Hook&) const = default;
};

struct HooksPolicy {
    /// The credential file holds another key. Required: the old key's grace waits for it, and if it keeps
    /// failing, the key before is taken back.
    std::optional<Hook> after_publish{};
    std::optional<Hook> before_disable{};  ///< an old key's grace is over. Required: the key waits for it
    std::optional<Hook> on_failure{};      ///< the agent holds, or the same thing has failed several times

    bool operator==(const HooksPolicy&) const = default;
};

/// The policy. Every default is the one that config/policy.yaml documents, and config/README.md explains.
struct Policy {
    enum class Decommission { Delete, Disable };
    RotatePolicy rotate;
    /// How long a new key may take until it logs in (services lag; contract, fact 10: 15 s seen).
    Millis verify_patience = std::chrono::seconds{30};
    SupersededPolicy superseded;
    OtherInstallationsPolicy other_installations;
    OutsideChangesPolicy outside_changes;
    Decommission decommission = Decommission::Delete;  ///< what becomes of the keys then
    WatchdogPolicy watchdog;
    HooksPolicy hooks;

    bool operator==(const Policy&) const = default;
};

/// A setting that can't be kept, and what to do about it.
struct PolicyProblem {
    std::string_view setting;  ///< its path in policy.yaml
    std::string message;
};

/// What in the policy contradicts itself, or asks for what the service can't do.
[[nodiscard]] std::vector<PolicyProblem> problems_of(const Policy& policy, const Capabilities& service);

/// The earliest age at which a key is replaced: `after` less the whole jitter. Only where `after` is set.
[[nodiscard]] Millis earliest_rotation(const RotatePolicy& rotate);

/// How soon it is looked again for a free slot of an owner who has hardly any: an hour, where keys live for
/// ten days or more.
[[nodiscard]] Millis quota_look(const RotatePolicy& rotate);

}  // namespace devkey::core
