// What a pass may do, and why: the words that the log, `status` and `plan` share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"

namespace devkey::core {

/// What a pass does. Each changes at most one thing on the service.
enum class Action {
    Idle,          ///< nothing to do, or nothing to do yet
    Hold,          ///< nothing may be done until something or somebody changes
    TrialSave,     ///< find out whether the state can be saved again
    Repair,        ///< write the credential file anew from the state; no request
    Publish,       ///< make the proven key the current one, and write the credential file
    Verify,        ///< log in with the new key
    DropRefused,   ///< remove the new key that never logged in
    AskService,    ///< log in as the owner and list the keys
    Create,        ///< write the intent down and ask for a key of that name
    FindStray,     ///< look for the stray's id by its name
    RemoveStray,   ///< remove the stray by its id
    AskTime,       ///< log in as the owner, to learn the time from the service
    MendTimes,     ///< pull times that lie ahead of the service's clock back to now
    EnableKey,     ///< enable the current key again
    DisableKey,    ///< disable the key `target`: a superseded one, or another installation's
    RemoveKey,     ///< remove the key `target`: likewise
    CheckLogin,    ///< see whether the current key still logs in
    CheckListed,   ///< ask as the owner whether the current key is there and enabled; note what else is there
    SwitchOff,     ///< disable the current key, because the device's program is silent
    Decommission,  ///< remove the credential file and forget the secrets; the keys go next
    Recommission,  ///< forget that the device was decommissioned
    RollBack,      ///< take the key before the current one back: enable it
    RunHook,       ///< run a program of the policy's: about the current key, or that the key `target` goes
    TakeNote,      ///< write down what a person said: pause, resume, the key is in use
};

/// Why. The names are stable: scripts and alerts may rely on them.
enum class Reason {
    Healthy,
    // what is to be done
    NoKeyYet,
    CreateKey,
    CreateUnanswered,
    NameTaken,
    StrayFound,
    NewKeyUnproven,
    NewKeyRefused,
    NewKeyProven,
    NotPublished,
    StateNotSaved,
    CredentialFileMissing,
    CredentialFileAltered,
    CredentialFileLoosened,
    CredentialFileUnreadable,
    RotationDue,
    RotationAsked,
    TimeUnknown,
    TimesImplausible,
    GraceOver,
    KeyCompromised,
    DeletionDue,
    QuotaShort,
    OtherInstallation,
    LoginCheckDue,
    ListedCheckDue,
    LoginRefused,
    KeyDisabledOutside,
    KeyDeletedOutside,
    HeartbeatSilent,
    HeartbeatReturned,
    TakeOverAsked,
    DecommissionAsked,
    RecommissionAsked,
    RollbackAsked,
    KeyReturns,
    DisableAsked,
    EnableAsked,
    KeyAcknowledged,
    PauseAsked,
    ResumeAsked,
    ProgramsNotTold,
    OldKeyGoes,
    HookKeepsFailing,
    // what has to be waited for
    HeartbeatUnreadable,
    KeySwitchedOff,
    KeyDisabledByPerson,
    Paused,
    HookFailed,
    NewKeyNotAcceptedYet,
    TooEarlyToTell,
    LateLandingPossible,
    DisableUnsettled,
    OwnerRefused,
    OwnerSecretUnusable,
    OwnerSecretDelayed,
    ServiceForbids,
    ProviderOff,
    RateLimited,
    QuotaFull,
    ServiceUnavailable,
    AnswerLost,
    StrayNotListed,
    ConnectionInsecure,
    RequestRefused,
    NotPermitted,
    DiskRefuses,
    // what needs a person
    StateUnreadable,
    IdentityChanged,
    CloneSuspected,
    NewKeysKeepFailing,
    Decommissioned,
};

/// The action's stable name, in kebab case.
[[nodiscard]] std::string_view name_of(Action action);

/// The reason's stable name, in kebab case.
[[nodiscard]] std::string_view name_of(Reason reason);

/// The reason in a sentence for people.
[[nodiscard]] std::string_view sentence_of(Reason reason);

/// What is to be done now, why, and when to look again.
struct Decision {
    Action action = Action::Idle;
    Reason reason = Reason::Healthy;
    std::string detail{};                ///< what exactly: names, counts, the error's message; never a secret
    std::optional<BootInstant> again{};  ///< none: only a trigger can change anything
    unsigned failures = 0;               ///< where it waits for another try: how many failed in a row
    std::string target{};     ///< the id of the key that it is about, where it isn't the current one
    std::string_view rule{};  ///< the name of the rule that decided; empty: none had anything to say

    bool operator==(const Decision&) const = default;
};

}  // namespace devkey::core
