#include "outcome.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iterator>

namespace devkey {

using core::ErrorKind;
using core::Reason;

namespace {

constexpr core::Millis longest_wait = std::chrono::seconds{60};

bool waiting_is_part_of(Reason reason) {
    return reason == Reason::NewKeyNotAcceptedYet || reason == Reason::StrayNotListed ||
           reason == Reason::LateLandingPossible;
}

// Bytes that aren't ASCII are passed on: what we tell comes from our own text, UTF-8.
std::string quoted(std::string_view text) {
    std::string json = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f)
            fmt::format_to(std::back_inserter(json), "\\u{:04x}", byte);
        else if (c == '"' || c == '\\')
            (json += '\\') += c;
        else
            json += c;
    }
    return json += '"';
}

std::string_view result_of(const Outcome& outcome) {
    if (outcome.reason == core::name_of(Reason::Decommissioned)) return "decommissioned";
    if (outcome.exit_code != 0) return "not-provisioned";
    return outcome.key_name.empty() ? "done" : "provisioned";
}

}  // namespace

int exit_code_of(Reason reason) {
    switch (reason) {
        case Reason::Healthy:
        case Reason::HeartbeatSilent:  // where the policy only asks for an alert, the device has its key
        case Reason::HeartbeatUnreadable:
            return 0;
        case Reason::ServiceUnavailable:
        case Reason::AnswerLost:
        case Reason::OwnerSecretDelayed:
        case Reason::RateLimited:
        case Reason::NewKeyNotAcceptedYet:
        case Reason::NewKeyRefused:
        case Reason::LateLandingPossible:
        case Reason::QuotaFull:
        case Reason::StrayNotListed:
            return exit_later;
        case Reason::OwnerRefused:
        case Reason::ServiceForbids:
        case Reason::ProviderOff:
        case Reason::NotPermitted:
        case Reason::KeyDisabledOutside:
        case Reason::KeyDeletedOutside:
        case Reason::KeySwitchedOff:
            return exit_refused;
        case Reason::RequestRefused:
        case Reason::OwnerSecretUnusable:
        case Reason::IdentityChanged:
        case Reason::CloneSuspected:
        case Reason::CredentialFileMissing:  // the settings forbid to restore it
        case Reason::CredentialFileAltered:
        case Reason::CredentialFileLoosened:
        case Reason::CredentialFileUnreadable:
            return exit_settings;
        case Reason::StateUnreadable:
            return exit_state;
        case Reason::DiskRefuses:
            return exit_io;
        case Reason::ConnectionInsecure:
            return exit_connection;
        case Reason::NewKeysKeepFailing:
        case Reason::Decommissioned:
            return exit_gives_up;
        default:
            return exit_internal;  // reasons to do something: no run ends with them
    }
}

int exit_code_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::InvalidInput:
        case ErrorKind::NotFound:
        case ErrorKind::SecretUnusable:
            return exit_settings;
        case ErrorKind::Insecure:
        case ErrorKind::Forbidden:
        case ErrorKind::SecretForbidden:
            return exit_refused;
        case ErrorKind::Unavailable:
        case ErrorKind::SecretDelayed:
            return exit_later;
        case ErrorKind::Corrupt:
            return exit_state;
        case ErrorKind::Io:
            return exit_io;
        default:
            return exit_internal;
    }
}

std::string as_text(const Outcome& outcome) {
    const char* changed = outcome.changed ? "yes" : "no";
    if (result_of(outcome) == "decommissioned" || result_of(outcome) == "done")
        return fmt::format("{}: {}; changed: {}", result_of(outcome), outcome.detail, changed);
    if (outcome.exit_code == 0)
        return fmt::format("provisioned: key {} (generation {}) in {}; changed: {}", outcome.key_name,
                           outcome.generation, outcome.credential_file, changed);
    return fmt::format("not provisioned: {}{}{}; changed: {}", outcome.reason,
                       outcome.detail.empty() ? "" : ": ", outcome.detail, changed);
}

std::string as_json(const Outcome& outcome) {
    return fmt::format(
        R"({{"version":1,"result":{},"reason":{},"detail":{},"changed":{},"key_id":{},"key_name":{},)"
        R"("generation":{},"credential_file":{}}})",
        quoted(result_of(outcome)), quoted(outcome.reason), quoted(outcome.detail), outcome.changed,
        quoted(outcome.key_id), quoted(outcome.key_name), outcome.generation,
        quoted(outcome.credential_file));
}

bool is_worth_waiting(const core::Decision& decision, core::BootInstant now) {
    return waiting_is_part_of(decision.reason) && decision.again && *decision.again - now <= longest_wait;
}

}  // namespace devkey
