#include "devkeyctl/revoke.hpp"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <stdlib.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "core/key_name.hpp"
#include "devkeyctl/exit_codes.hpp"
#include "host/hardening.hpp"
#include "host/owner_secret.hpp"
#include "host/system_clock.hpp"
#include "services/app_services.hpp"
#include "services/interrupter.hpp"
#include "settings/load.hpp"

namespace devkey::ctl {

using core::Error;
using core::ErrorKind;
using core::ListedKey;
using core::Result;

namespace {

constexpr int most_tries = 3;  // of a change whose answer was lost: both changes may be made twice

/// As devkeyd ends for the same.
int exit_code_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::Unauthenticated:
        case ErrorKind::Forbidden:
        case ErrorKind::ProviderOff:
        case ErrorKind::SecretForbidden:
            return exit_refused;
        case ErrorKind::InvalidInput:
        case ErrorKind::NotFound:
        case ErrorKind::SecretUnusable:
            return exit_settings;
        case ErrorKind::Insecure:
        case ErrorKind::Corrupt:
            return exit_protocol;
        case ErrorKind::Io:
            return exit_io;
        default:
            return exit_later;
    }
}

struct Outcome {
    std::vector<ListedKey> gone{};
    std::optional<Error> error{};
};

Result<std::vector<ListedKey>> keys_of_device(ports::KeyService& service, const std::string& prefix,
                                              const std::string& device) {
    const auto label = core::device_label(device, prefix, service.capabilities().longest_name);
    if (!label) return std::unexpected(label.error());
    auto keys = service.list();
    if (keys)
        std::erase_if(*keys, [&](const ListedKey& key) {
            const auto name = core::parse_key_name(key.name);
            return !name || name->prefix != prefix || name->device != *label;
        });
    return keys;
}

Result<void> let_go(ports::KeyService& service, const std::string& id, bool disable) {
    for (int tries = 1;; ++tries) {
        auto done = disable ? service.disable(id) : service.remove(id);
        if (!done && done.error().kind == ErrorKind::NotFound) return {};  // somebody was faster
        if (done || done.error().kind != ErrorKind::OutcomeUnknown || tries == most_tries) return done;
    }
}

/// Whether the device has made another key in the meantime.
std::optional<Error> find_another(ports::KeyService& service, const std::string& prefix,
                                  const std::string& device, const std::vector<ListedKey>& known) {
    const auto keys = keys_of_device(service, prefix, device);
    if (!keys) return keys.error();
    const auto is_new = [&](const ListedKey& key) {
        return std::ranges::none_of(known, [&](const ListedKey& old) { return old.id == key.id; });
    };
    const auto another = std::ranges::find_if(*keys, is_new);
    if (another == keys->end()) return std::nullopt;
    return Error{ErrorKind::Conflict,
                 another->name +
                     " has been made meanwhile: the device is running and makes new keys; change the "
                     "owner's secret, or disable the owner, and revoke it again"};
}

Result<Outcome> carry_out(ports::KeyService& service, const std::string& prefix,
                          const Revocation& revocation) {
    const auto keys = keys_of_device(service, prefix, revocation.device);
    if (!keys) return std::unexpected(keys.error());
    Outcome outcome;
    for (const auto& key : *keys) {
        if (revocation.disable && !key.enabled) continue;
        const auto done = let_go(service, key.id, revocation.disable);
        if (done)
            outcome.gone.push_back(key);
        else if (!outcome.error)
            outcome.error = core::with_context(key.name, done.error());
    }
    if (!outcome.error && !outcome.gone.empty())
        outcome.error = find_another(service, prefix, revocation.device, *keys);
    return outcome;
}

std::string as_json(const Outcome& outcome, const Revocation& revocation) {
    Poco::JSON::Object json{Poco::JSON_PRESERVE_KEY_ORDER};
    json.set("version", 1);
    json.set("answer", outcome.error ? "failed" : outcome.gone.empty() ? "nothing-to-do" : "revoked");
    if (outcome.error) {
        json.set("error", std::string(core::name_of(outcome.error->kind)));
        json.set("detail", outcome.error->message);
    }
    json.set("device", revocation.device);
    Poco::JSON::Array::Ptr keys{new Poco::JSON::Array};
    for (const auto& key : outcome.gone) {
        Poco::JSON::Object::Ptr one{new Poco::JSON::Object{Poco::JSON_PRESERVE_KEY_ORDER}};
        one->set("id", key.id);
        one->set("name", key.name);
        one->set("became", revocation.disable ? "disabled" : "deleted");
        keys->add(one);
    }
    json.set("keys", keys);
    std::ostringstream text;
    json.stringify(text);
    return text.str();
}

int tell(const Terminal& terminal, const Outcome& outcome, const Revocation& revocation) {
    const char* became = revocation.disable ? "disabled: " : "deleted: ";
    if (terminal.json) {
        terminal.out(as_json(outcome, revocation));
    } else {
        for (const auto& key : outcome.gone) terminal.out(became + key.name + " (" + key.id + ")");
        if (outcome.error)
            terminal.note(std::string(core::name_of(outcome.error->kind)) + ": " + outcome.error->message);
        else if (outcome.gone.empty())
            terminal.out("nothing-to-do: the owner has no " +
                         std::string(revocation.disable ? "enabled " : "") + "key of " + revocation.device);
    }
    if (outcome.error) return exit_code_of(outcome.error->kind);
    return outcome.gone.empty() ? exit_nothing_to_do : exit_done;
}

Result<core::Settings> load(const std::string& file) {
    auto settings = settings::load(file, services::app_services_capabilities());
    if (settings) return *std::move(settings);
    std::string all;
    for (const auto& problem : settings.error()) all += (all.empty() ? "" : "\n") + settings::format(problem);
    return core::fail(ErrorKind::InvalidInput, all);
}

std::string credentials_directory() {
    const char* value = ::getenv("CREDENTIALS_DIRECTORY");
    return value == nullptr ? "" : value;
}

}  // namespace

int revoke_at(const Terminal& terminal, ports::KeyService& service, const std::string& prefix,
              const Revocation& revocation) {
    auto outcome = carry_out(service, prefix, revocation);
    service.rest();
    if (!outcome) return tell(terminal, {.error = std::move(outcome.error())}, revocation);
    return tell(terminal, *outcome, revocation);
}

int revoke(const Terminal& terminal, const Revocation& revocation) {
    const auto refuse = [&](Error error) { return tell(terminal, {.error = std::move(error)}, revocation); };
    const auto settings = load(revocation.settings);
    if (!settings) return refuse(settings.error());
    // From here on this process holds the owner's secret.
    if (const auto hardened = host::harden(); !hardened) return refuse(hardened.error());
    const host::SystemClock clock;
    services::Interrupter interrupter;
    const auto secret = host::make_owner_secret(settings->owner.secret, credentials_directory(), -1);
    const auto service =
        services::make_app_services(settings->service, settings->owner, *secret, clock, interrupter);
    if (!service) return refuse(core::with_context("the service", service.error()));
    return revoke_at(terminal, **service, settings->key_prefix, revocation);
}

}  // namespace devkey::ctl
