#include "core/decision.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace devkey::core {
namespace {

struct Words {
    Reason reason;
    std::string_view name;
    std::string_view sentence;
};

constexpr std::array words{
    Words{Reason::Healthy, "healthy", "the device has its key, and the credential file is whole"},
    Words{Reason::NoKeyYet, "no-key-yet", "the device has no key: the service is asked first"},
    Words{Reason::CreateKey, "create-key", "the device has no key, and the owner has room for one"},
    Words{Reason::CreateUnanswered, "create-unanswered",
          "a create was not answered: it is sent again under the same name, which can't make a second key"},
    Words{Reason::NameTaken, "name-taken",
          "an unanswered create has made a key whose secret is lost: it is looked for"},
    Words{Reason::StrayFound, "stray-found", "the key whose secret is lost was found: it is removed"},
    Words{Reason::NewKeyUnproven, "new-key-unproven",
          "the new key has to log in before anybody relies on it"},
    Words{Reason::NewKeyRefused, "new-key-refused", "the new key never logged in: it is removed"},
    Words{Reason::NewKeyProven, "new-key-proven", "the new key has logged in: it is published"},
    Words{Reason::NotPublished, "not-published", "the key is not in the credential file yet"},
    Words{Reason::StateNotSaved, "state-not-saved",
          "the state could not be saved: that is tried before anything else"},
    Words{Reason::CredentialFileMissing, "credential-file-missing",
          "the credential file is gone: it is restored"},
    Words{Reason::CredentialFileAltered, "credential-file-altered",
          "the credential file was altered: it is restored"},
    Words{Reason::CredentialFileLoosened, "credential-file-loosened",
          "the credential file's mode, owner or group was changed: it is restored"},
    Words{Reason::CredentialFileUnreadable, "credential-file-unreadable",
          "the credential file can't be looked at: it is written anew"},
    Words{Reason::RotationDue, "rotation-due", "the key has reached the age at which it is replaced"},
    Words{Reason::RotationAsked, "rotation-asked", "a person asked for a new key"},
    Words{Reason::TimeUnknown, "time-unknown", "no clock here is trusted: the service is asked for the time"},
    Words{Reason::TimesImplausible, "times-implausible",
          "the state holds times that lie ahead of the service's clock: they are pulled back to now"},
    Words{Reason::GraceOver, "grace-over", "the grace of a superseded key is over"},
    Words{Reason::KeyCompromised, "key-compromised",
          "somebody said that this old key may be in the wrong hands: it has no grace"},
    Words{Reason::DeletionDue, "deletion-due", "a superseded key has been disabled for long enough"},
    Words{Reason::QuotaShort, "quota-short",
          "the owner has hardly room for another key: our own disabled ones go at once"},
    Words{Reason::OtherInstallation, "other-installation",
          "another installation of this device has a key: a former life or a twin"},
    Words{Reason::LoginCheckDue, "login-check-due", "it is time to see whether the key still logs in"},
    Words{Reason::ListedCheckDue, "listed-check-due", "it is time to ask the service about the key"},
    Words{Reason::LoginRefused, "login-refused",
          "the key didn't log in: the owner asks the service what became of it"},
    Words{Reason::KeyDisabledOutside, "key-disabled-outside", "somebody else disabled this device's key"},
    Words{Reason::KeyDeletedOutside, "key-deleted-outside", "somebody else deleted this device's key"},
    Words{Reason::HeartbeatSilent, "heartbeat-silent", "the device's program has been silent for too long"},
    Words{Reason::HeartbeatReturned, "heartbeat-returned",
          "the device's program is back: its key is enabled again"},
    Words{Reason::TakeOverAsked, "take-over-asked",
          "a person asked that the keys of other installations of this device go"},
    Words{Reason::DecommissionAsked, "decommission-asked", "a person takes the device out of service"},
    Words{Reason::RecommissionAsked, "recommission-asked", "a person takes the device into service again"},
    Words{Reason::RollbackAsked, "rollback-asked", "a person asked for the key before the current one"},
    Words{Reason::KeyReturns, "key-returns", "the key before the current one is taken back into use"},
    Words{Reason::DisableAsked, "disable-asked", "a person asked that the key be disabled"},
    Words{Reason::EnableAsked, "enable-asked", "a person asked that the key be enabled"},
    Words{Reason::KeyAcknowledged, "key-acknowledged",
          "the device's programs are said to use the new key: the old one needs no grace"},
    Words{Reason::PauseAsked, "pause-asked", "a person asked that nothing be done by the schedule"},
    Words{Reason::ResumeAsked, "resume-asked", "a person asked that the schedule go on"},
    Words{Reason::ProgramsNotTold, "programs-not-told",
          "the programs that use the key have to be told that it is another one"},
    Words{Reason::OldKeyGoes, "old-key-goes", "the device's programs are told before an old key goes"},
    Words{Reason::HookKeepsFailing, "hook-keeps-failing",
          "the device's programs can't take the new key: the key before it is taken back"},
    Words{Reason::HeartbeatUnreadable, "heartbeat-unreadable",
          "the heartbeat file can't be looked at, so silence goes unnoticed"},
    Words{Reason::KeySwitchedOff, "key-switched-off",
          "the device's program is silent, and so its key is disabled until the program is back"},
    Words{Reason::KeyDisabledByPerson, "key-disabled-by-person",
          "a person had the key disabled: it stays so until a person has it enabled"},
    Words{Reason::Paused, "paused", "a person asked that nothing be done by the schedule for now"},
    Words{Reason::HookFailed, "hook-failed", "a program that the policy has run failed: it is run again"},
    Words{Reason::NewKeyNotAcceptedYet, "new-key-not-accepted-yet",
          "the service doesn't accept the new key yet: services lag, so it is tried again"},
    Words{Reason::TooEarlyToTell, "too-early-to-tell",
          "the key is so young that the service may not show it yet"},
    Words{Reason::LateLandingPossible, "late-landing-possible",
          "an unanswered create may still take effect: no other is sent until that is settled"},
    Words{Reason::DisableUnsettled, "disable-unsettled",
          "an earlier request to disable the key may still take effect: it is enabled once that is settled"},
    Words{Reason::OwnerRefused, "owner-refused", "the service doesn't accept the owner's credentials"},
    Words{Reason::OwnerSecretUnusable, "owner-secret-unusable", "the owner's secret can't be read"},
    Words{Reason::OwnerSecretDelayed, "owner-secret-delayed", "the owner's secret can't be had just now"},
    Words{Reason::ServiceForbids, "service-forbids", "the service doesn't allow this to the owner"},
    Words{Reason::ProviderOff, "provider-off", "the service has this way to log in switched off"},
    Words{Reason::RateLimited, "rate-limited", "the service asked us to come back later"},
    Words{Reason::QuotaFull, "quota-full", "the owner has as many keys as the service allows"},
    Words{Reason::ServiceUnavailable, "service-unavailable", "the service gave no usable answer"},
    Words{Reason::AnswerLost, "answer-lost", "a change was sent and not answered: it may have happened"},
    Words{Reason::StrayNotListed, "stray-not-listed", "the key whose secret is lost isn't listed (yet)"},
    Words{Reason::ConnectionInsecure, "connection-insecure",
          "the connection to the service can't be trusted"},
    Words{Reason::RequestRefused, "request-refused", "the service refused a request as wrong"},
    Words{Reason::NotPermitted, "not-permitted", "the operating system doesn't permit it"},
    Words{Reason::DiskRefuses, "disk-refuses", "the disk or the operating system refused to read or write"},
    Words{Reason::StateUnreadable, "state-unreadable",
          "the state file can't be used: nothing is done until it is mended"},
    Words{Reason::IdentityChanged, "identity-changed",
          "the settings name another service, app, owner or device than the state: nothing is changed "
          "anywhere"},
    Words{Reason::CloneSuspected, "clone-suspected",
          "another device seems to use a copy of this device's state: nothing is changed anywhere"},
    Words{Reason::NewKeysKeepFailing, "new-keys-keep-failing",
          "three new keys in a row never logged in: no other is made until a person asks"},
    Words{Reason::Decommissioned, "decommissioned", "the device was taken out of service"},
};

constexpr std::array action_names{
    std::pair{Action::Idle, "idle"},
    std::pair{Action::Hold, "hold"},
    std::pair{Action::TrialSave, "trial-save"},
    std::pair{Action::Repair, "repair"},
    std::pair{Action::Publish, "publish"},
    std::pair{Action::Verify, "verify"},
    std::pair{Action::DropRefused, "drop-refused"},
    std::pair{Action::AskService, "ask-service"},
    std::pair{Action::Create, "create"},
    std::pair{Action::FindStray, "find-stray"},
    std::pair{Action::RemoveStray, "remove-stray"},
    std::pair{Action::AskTime, "ask-time"},
    std::pair{Action::MendTimes, "mend-times"},
    std::pair{Action::EnableKey, "enable-key"},
    std::pair{Action::DisableKey, "disable-key"},
    std::pair{Action::RemoveKey, "remove-key"},
    std::pair{Action::CheckLogin, "check-login"},
    std::pair{Action::CheckListed, "check-listed"},
    std::pair{Action::SwitchOff, "switch-off"},
    std::pair{Action::Decommission, "decommission"},
    std::pair{Action::Recommission, "recommission"},
    std::pair{Action::RollBack, "roll-back"},
    std::pair{Action::RunHook, "run-hook"},
    std::pair{Action::TakeNote, "take-note"},
};

const Words& words_for(Reason reason) {
    const auto* found = std::ranges::find(words, reason, &Words::reason);
    return found == words.end() ? words.front() : *found;
}

}  // namespace

std::string_view name_of(Action action) {
    const auto* found =
        std::ranges::find(action_names, action, [](const auto& entry) { return entry.first; });
    return found == action_names.end() ? "unknown" : found->second;
}

std::string_view name_of(Reason reason) {
    return words_for(reason).name;
}

std::string_view sentence_of(Reason reason) {
    return words_for(reason).sentence;
}

}  // namespace devkey::core
