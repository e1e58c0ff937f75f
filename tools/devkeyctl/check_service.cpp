// The checks at the service.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <variant>

#include "devkeyctl/check.hpp"

namespace devkey::ctl {

using core::ErrorKind;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::days certificate_ends_soon{30};
// The agent goes by the service's clock, but certificates and other programs go by this one.
constexpr core::Millis clocks_may_differ = 1min;

bool is_reached(const Finding& finding) {
    return finding.grade == Grade::Ok || finding.grade == Grade::Warning;
}

Finding check_name(const Patient& patient) {
    const auto addresses = patient.look_up();
    if (!addresses)
        return failed("name", addresses.error(), "check service.url and the machine's name resolution");
    std::string text;
    for (const auto& address : *addresses) text += (text.empty() ? "" : ", ") + address;
    return {.name = "name", .detail = patient.settings.service.url + " is at " + text};
}

Finding check_tls(const Patient& patient) {
    const auto ends = patient.certificate_end();
    if (!ends)
        return failed("tls", ends.error(), "check service.url, service.ca_file, the network and the clock");
    if (!*ends) return {.name = "tls", .detail = "it answers; plain HTTP to this machine itself"};
    const auto left = std::chrono::floor<std::chrono::days>(**ends - patient.clock.now());
    const auto detail = fmt::format("the certificate is accepted; it ends in {} days", left.count());
    if (left >= certificate_ends_soon) return {.name = "tls", .detail = detail};
    return {.name = "tls",
            .grade = Grade::Warning,
            .detail = detail,
            .remedy = "let whoever runs the service renew it before that"};
}

bool is_out_of_reach(const Patient& patient) {
    return std::holds_alternative<core::FromCredential>(patient.settings.owner.secret) &&
           patient.credentials_directory.empty();
}

/// What only systemd can hand over.
Finding skip_log_in(const Patient& patient) {
    const auto& name = std::get<core::FromCredential>(patient.settings.owner.secret).name;
    auto finding = skipped("log-in", fmt::format("the owner's secret is a systemd credential ({}), which "
                                                 "only the unit gets",
                                                 name));
    finding.remedy = fmt::format(
        "devkeyctl status tells whether the agent gets in; or look with the credential: systemd-run --pipe "
        "--wait -p User=devkeyd -p LoadCredential={}:FILE devkeyctl check, with the unit's FILE",
        name);
    return finding;
}

Finding check_log_in(const Patient& patient) {
    if (is_out_of_reach(patient)) return skip_log_in(patient);
    const auto owner = patient.service.log_in();
    if (!owner) return failed("log-in", owner.error(), "check the section owner of the settings");
    const bool other = patient.state && *patient.state && !(*patient.state)->owner_id.empty() &&
                       (*patient.state)->owner_id != *owner;
    if (other)
        return {.name = "log-in",
                .grade = Grade::Failed,
                .detail = "the service takes the owner for another one than the state's",
                .remedy = "put the former owner back into the settings, or decommission the device first"};
    const auto& settings = patient.settings.owner;
    const std::string as{settings.username.empty() ? name_of(settings.provider) : settings.username};
    return {.name = "log-in", .detail = "the owner gets in (" + as + ")"};
}

Finding refused_key(const core::CurrentKey& key) {
    const auto standing = key.standing;
    const auto detail = key.key.name + " doesn't log in";
    if (core::is_switched_off(standing) && key.off_by_person)
        return {.name = "key",
                .grade = Grade::Warning,
                .detail = detail + ": a person had it disabled",
                .remedy = "devkeyctl enable, when the device may work again"};
    if (core::is_switched_off(standing))
        return {.name = "key",
                .grade = Grade::Warning,
                .detail = detail + ": the dead man's switch has disabled it",
                .remedy = "let the device's program give signs of life again: watchdog.heartbeat"};
    return {.name = "key",
            .grade = Grade::Failed,
            .detail = detail,
            .remedy =
                "ask who runs the service whether the key was disabled or deleted; devkeyctl rotate makes "
                "another one"};
}

Finding check_key(const Patient& patient) {
    if (!patient.state) return skipped("key", "the state can't be read");
    if (!*patient.state || !(*patient.state)->current)
        return skipped("key", "the device has no key (yet): devkeyctl status tells why");
    const auto& current = *(*patient.state)->current;
    const auto owner = patient.service.prove(current.key.secret);
    if (!owner && owner.error().kind == ErrorKind::Unauthenticated) return refused_key(current);
    if (!owner) return failed("key", owner.error(), "check the service");
    return {.name = "key",
            .detail = fmt::format("{} (generation {}) logs in", current.key.name, current.key.generation)};
}

Finding check_quota(const Patient& patient, const Finding& log_in) {
    if (log_in.grade != Grade::Ok) return skipped("quota", "that needs the owner's log-in");
    const auto keys = patient.service.list();
    if (!keys) return failed("quota", keys.error(), "check the owner's rights on the service");
    const auto most = patient.service.capabilities().keys_per_owner;
    if (most == 0) return {.name = "quota", .detail = fmt::format("{} keys, and no limit", keys->size())};
    const auto detail = fmt::format("the owner has {} of {} keys", keys->size(), most);
    if (keys->size() * 4 < most * 3) return {.name = "quota", .detail = detail};
    const bool has_key = patient.state && *patient.state && (*patient.state)->current;
    return {.name = "quota",
            .grade = keys->size() >= most && !has_key ? Grade::Failed : Grade::Warning,
            .detail = detail,
            .remedy = "remove keys that nobody needs, or give devices an owner of their own"};
}

Finding check_clock(const Patient& patient) {
    const bool kept = patient.clock.is_synchronised();
    std::string detail = kept ? "synchronised" : "nothing keeps it right";
    core::Millis off{};
    if (const auto date = patient.service.server_date()) {
        const auto right = date->date + (patient.clock.boot_now() - date->came);
        off = std::chrono::abs(patient.clock.now() - right);
        // The service's Date has whole seconds.
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(off);
        detail += "; it differs from the service's by " + core::format_duration(seconds);
    } else {
        detail += "; the service hasn't told its time";
    }
    if (kept && off <= clocks_may_differ) return {.name = "clock", .detail = detail};
    return {.name = "clock",
            .grade = Grade::Warning,
            .detail = detail,
            .remedy = "let something keep it right: timedatectl set-ntp true"};
}

}  // namespace

std::vector<Finding> examine_service(const Patient& patient) {
    std::vector<Finding> found{check_name(patient)};
    found.push_back(is_reached(found.back()) ? check_tls(patient)
                                             : skipped("tls", "the service's name can't be looked up"));
    if (is_reached(found.back())) {
        found.push_back(check_log_in(patient));
        const auto log_in = found.back();
        found.push_back(check_key(patient));
        found.push_back(check_quota(patient, log_in));
    } else {
        for (const auto* name : {"log-in", "key", "quota"})
            found.push_back(skipped(name, "the service can't be reached"));
    }
    found.push_back(check_clock(patient));
    patient.service.rest();
    return found;
}

}  // namespace devkey::ctl
