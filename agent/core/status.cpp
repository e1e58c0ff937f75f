#include "core/status.hpp"

#include <algorithm>
#include <array>

namespace devkey::core {
namespace {

std::optional<Instant> proof_of(const CurrentKey& key) {
    // It is published once it has logged in.
    auto latest = key.published_at;
    for (const auto& at :
         {key.logged_in_at, key.standing == Standing::Enabled ? key.listed_at : std::nullopt})
        if (at && (!latest || *latest < *at)) latest = at;
    return latest;
}

KeyStatus status_of(const CurrentKey& key) {
    return {.id = key.key.id,
            .name = key.key.name,
            .generation = key.key.generation,
            .created_at = key.key.created_at,
            .published_at = key.published_at,
            .standing = key.standing,
            .proven_at = proof_of(key),
            .off_by_person = is_switched_off(key.standing) && key.off_by_person,
            .acknowledged_at = key.acknowledged_at,
            .returned_at = key.returned_at};
}

OldKeyStatus status_of(const OldKey& key, const State& state) {
    const bool earlier = state.current && key.generation < state.current->key.generation;
    return {.id = key.id,
            .name = key.name,
            .generation = key.generation,
            .superseded_at = key.superseded_at,
            .disabled_at = key.disabled_at,
            .can_return = earlier && !key.secret.empty()};
}

bool is_proof_too_old(const Status& status) {
    const auto& proven = status.key->proven_at;
    return status.proof_lasts && (!proven || *proven + *status.proof_lasts < status.now);
}

}  // namespace

std::string_view name_of(Health health) {
    constexpr std::array names{"healthy", "degraded", "failing", "out-of-service"};
    return names.at(static_cast<std::size_t>(health));
}

std::string_view name_of(ClockTrust trust) {
    constexpr std::array names{"none", "floor", "synchronised", "server"};
    return names.at(static_cast<std::size_t>(trust));
}

std::string_view name_of(Standing standing) {
    constexpr std::array names{"enabled", "disabled-outside", "deleted-outside", "switching-off",
                               "switched-off"};
    return names.at(static_cast<std::size_t>(standing));
}

std::optional<Millis> proof_lasts(const WatchdogPolicy& policy) {
    std::optional<Millis> shortest = policy.key_login;
    if (policy.key_listed) shortest = std::min(shortest.value_or(*policy.key_listed), *policy.key_listed);
    if (!shortest) return std::nullopt;
    return 2 * *shortest;
}

Status status_of(const Policy& policy, const std::optional<State>& state, const TrustedTime& time) {
    Status status{.now = time.now, .trust = time.trust, .proof_lasts = proof_lasts(policy.watchdog)};
    if (!state) return status;
    status.device = state->identity.device;
    if (state->current) status.key = status_of(*state->current);
    for (const auto& key : state->superseded) status.superseded.push_back(status_of(key, *state));
    if (state->pause && (!state->pause->until || time.now < *state->pause->until))
        status.pause = state->pause;
    status.others = state->others;
    status.failures = state->failures;
    status.decommissioned_at = state->decommissioned_at;
    return status;
}

Status later(Status status, Millis by) {
    status.now += by;
    assess(status);
    return status;
}

Health health_of(const Status& status) {
    if (status.decommissioned_at) return Health::OutOfService;
    const bool works = status.key && status.key->standing == Standing::Enabled && status.usable;
    if (!works) return Health::Failing;
    const bool calm = status.decision.reason == Reason::Healthy;
    return calm && !is_proof_too_old(status) ? Health::Healthy : Health::Degraded;
}

void assess(Status& status) {
    status.health = health_of(status);
    if (status.decision.reason != Reason::Healthy || status.health == Health::Healthy) return;
    if (status.health == Health::Degraded)
        status.decision.detail = "but the last proof that the key works is too old";
    else if (status.health == Health::Failing)
        status.decision.detail = "but as the state has it, the key is not enabled or not published";
}

std::string headline_of(const Status& status) {
    const auto& decision = status.decision;
    const bool torn = decision.reason == Reason::Healthy && status.health != Health::Healthy;
    std::string text{torn ? name_of(status.health) : name_of(decision.reason)};
    text += ": ";
    text += sentence_of(decision.reason);
    if (!decision.detail.empty()) text += ": " + decision.detail;
    return text;
}

}  // namespace devkey::core
