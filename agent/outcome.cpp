#include "outcome.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <vector>

#include "core/leaving.hpp"

namespace devkey {

using core::ErrorKind;
using core::Reason;
using core::Request;

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

/// Whether the same keys are there, in the same service, whatever the times are.
bool is_alike(const std::optional<core::State>& one, const std::optional<core::State>& two) {
    const auto keys_of = [](const std::optional<core::State>& state) {
        std::vector<std::string> keys;
        if (!state) return keys;
        keys = state->retired;
        keys.push_back(state->installation);
        keys.emplace_back(state->decommissioned_at ? "decommissioned" : "in service");
        if (state->pending) keys.push_back(state->pending->key.id);
        if (state->current) keys.push_back(state->current->key.id);
        for (const auto& key : state->superseded) keys.push_back(key.id + (key.disabled_at ? " off" : ""));
        for (const auto& key : state->others) keys.push_back(key.id + (key.disabled ? " off" : ""));
        return keys;
    };
    return keys_of(one) == keys_of(two);
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
        case Reason::TooEarlyToTell:
        case Reason::NewKeyRefused:
        case Reason::LateLandingPossible:
        case Reason::DisableUnsettled:
        case Reason::QuotaFull:
        case Reason::StrayNotListed:
        case Reason::Paused:
        case Reason::HookFailed:
            return exit_later;
        case Reason::OwnerRefused:
        case Reason::ServiceForbids:
        case Reason::ProviderOff:
        case Reason::NotPermitted:
        case Reason::KeyDisabledOutside:
        case Reason::KeyDeletedOutside:
        case Reason::KeySwitchedOff:
        case Reason::KeyDisabledByPerson:
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
        case ErrorKind::TooEarly:
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

Outcome replaced_by(Request other) {
    return {
        .exit_code = exit_later,
        .reason = "replaced",
        .detail = fmt::format("somebody has asked for --{} in its place; ask again if this is still wanted",
                              core::name_of(other))};
}

Outcome answer_by_state(Request request, const core::Policy& policy, const std::optional<core::State>& before,
                        const std::optional<core::State>& after) {
    const bool changed = !is_alike(before, after);
    const bool rests = after && after->decommissioned_at;
    if (rests && request != Request::Recommission) {
        const auto left = core::keys_left(policy, *after);
        const bool leaves = request == Request::Decommission;
        if (leaves && !left.empty())
            return {.exit_code = exit_later,
                    .reason = "asked",
                    .detail = core::words_of_keys_left(left) +
                              "; the devkeyd that runs here tells why in its log, and goes on with them when "
                              "it can",
                    .changed = changed};
        return {.exit_code = leaves ? 0 : exit_code_of(Reason::Decommissioned),
                .reason = std::string(core::name_of(Reason::Decommissioned)),
                .detail = core::words_of_rest(*after),
                .changed = changed};
    }
    const bool others_left = after && !after->others.empty();
    const bool done =
        request == Request::Recommission ? !rests : request == Request::TakeOver && !others_left;
    if (done) return {.reason = "done", .detail = "by the devkeyd that runs here", .changed = changed};
    return {.exit_code = exit_later,
            .reason = "replaced",
            .detail =
                "the request is gone, and what it asked for isn't so: somebody has asked for something "
                "else since, or removed it; ask again if it is still wanted",
            .changed = changed};
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
