#include "sim/cloud.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/key_name.hpp"

namespace devkey::sim {

using core::ErrorKind;
using core::fail;

namespace {

bool is_change(std::string_view call) {
    return call == "create" || call == "enable" || call == "disable" || call == "remove";
}

/// What can go wrong with a request in fine weather, too.
Fate mishap(Dice& dice, std::string_view call) {
    if (is_change(call))
        return dice.one_of({Fate::RequestLost, Fate::AnswerLost, Fate::AnswerLost, Fate::LandsLate,
                            Fate::ServerError, Fate::Rubbish, Fate::RateLimited, Fate::Forbidden,
                            Fate::Refused, call == "create" ? Fate::NameRefused : Fate::NotConnected});
    return dice.one_of({Fate::RequestLost, Fate::ServerError, Fate::Rubbish, Fate::RateLimited,
                        Fate::Forbidden, Fate::Refused, Fate::NotConnected});
}

}  // namespace

std::string_view name_of(Fate fate) {
    constexpr std::array names{"answered",     "request-lost", "answer-lost",   "lands-late",
                               "server-error", "rubbish",      "rate-limited",  "forbidden",
                               "refused",      "name-refused", "not-connected", "provider-off"};
    return names.at(static_cast<std::size_t>(fate));
}

Fate Cloud::fate_of(std::string_view call) {
    if (weather.down) return Fate::NotConnected;
    if (weather.rate_limited) return Fate::RateLimited;
    if (call == "prove") {
        if (weather.provider_off) return Fate::ProviderOff;
        if (weather.logins_refused) return Fate::Refused;
    } else {
        if (weather.owner_refused) return Fate::Refused;
        if (weather.forbidden && call != "log_in") return Fate::Forbidden;
    }
    return dice_.chance(std::max(weather.trouble, climate)) ? mishap(dice_, call) : Fate::Answered;
}

void Cloud::send_late(std::string_view call, const std::string& subject, unsigned maker, Millis delay) {
    late_.push_back({timeline_.now + delay, std::string(call), subject, maker});
}

std::optional<Instant> Cloud::next_landing() const {
    const auto next = std::ranges::min_element(late_, {}, &Late::at);
    return next == late_.end() ? std::nullopt : std::optional(next->at);
}

void Cloud::settle() {
    for (std::size_t i = 0; i < late_.size();) {
        if (late_[i].at > timeline_.now) {
            ++i;
            continue;
        }
        const Late late = std::move(late_[i]);
        late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(i));
        land(late);
    }
}

void Cloud::land(const Late& late) {
    story_.tell("service", "a late ", late.call, " of ", late.subject, " lands now");
    if (late.call == "create") {
        const auto created = create(late.subject, late.maker);
        if (created)
            keys_.back().landed_late = true;
        else
            story_.tell("service", "  and comes to nothing: ", created.error().message);
    } else if (late.call == "remove") {
        remove(late.subject);
    } else {
        static_cast<void>(set_enabled(late.subject, late.call == "enable").has_value());
    }
}

core::Result<ports::CreatedKey> Cloud::create(const std::string& name, unsigned maker) {
    const bool full = can.keys_per_owner != 0 && keys_.size() >= can.keys_per_owner;
    const bool taken = can.unique_names && std::ranges::find(keys_, name, &CloudKey::name) != keys_.end();
    if (full && (limit_first || !taken)) return fail(ErrorKind::LimitReached, "too many keys");
    if (taken) return fail(ErrorKind::Conflict, "a key of that name exists");
    const auto number = std::to_string(++made_);
    keys_.push_back({.id = "id" + number,
                     .name = name,
                     .secret = "secret" + number,
                     .created_at = timeline_.now,
                     .changed_at = timeline_.now,
                     .maker = maker,
                     .shared = std::ranges::find(shared_names_, name) != shared_names_.end()});
    story_.tell("service", "key ", keys_.back().id, " now exists: ", name);
    return ports::CreatedKey{
        .id = keys_.back().id, .name = name, .secret = core::Secret{keys_.back().secret}};
}

core::Result<void> Cloud::set_enabled(const std::string& id, bool enabled) {
    const auto key = std::ranges::find(keys_, id, &CloudKey::id);
    if (key == keys_.end()) return fail(ErrorKind::NotFound, "no such key");
    if (key->enabled != enabled) {
        key->enabled_before = key->enabled;
        key->enabled = enabled;
        key->changed_at = timeline_.now;
        if (enabled) key->by_person = key->off_by_person = false;
        story_.tell("service", "key ", id, enabled ? " is enabled" : " is disabled");
    }
    return {};
}

void Cloud::remove(const std::string& id) {
    const auto key = std::ranges::find(keys_, id, &CloudKey::id);
    if (key == keys_.end()) return;
    key->removed_at = timeline_.now;
    story_.tell("service", "key ", id, " is removed: ", key->name);
    gone_.push_back(std::move(*key));
    keys_.erase(key);
}

bool Cloud::shows(const CloudKey& key, Instant at) const {
    return key.created_at <= at && (!key.removed_at || *key.removed_at > at);
}

/// What reads show now: the truth, or what it was a little earlier.
Instant Cloud::read_at() {
    return lag == Millis{0} ? timeline_.now : timeline_.now - dice_.between(Millis{0}, lag);
}

std::vector<core::ListedKey> Cloud::list() {
    const Instant at = read_at();
    std::vector<core::ListedKey> listed;
    const auto add = [&](const CloudKey& key) {
        if (!shows(key, at)) return;
        listed.push_back({key.id, key.name, key.changed_at <= at ? key.enabled : key.enabled_before});
    };
    for (const auto& key : keys_) add(key);
    for (auto key = gone_.rbegin(); key != gone_.rend() && *key->removed_at > at; ++key) add(*key);
    return listed;
}

core::Result<core::ListedKey> Cloud::get(const std::string& id) {
    const Instant at = read_at();
    const CloudKey* key = find(id);
    if (key == nullptr || !shows(*key, at)) return fail(ErrorKind::NotFound, "no such key");
    return core::ListedKey{key->id, key->name, key->changed_at <= at ? key->enabled : key->enabled_before};
}

bool Cloud::prove(std::string_view secret) {
    const Instant at = read_at();
    const auto accepts = [&](CloudKey& key) {
        if (key.secret != secret || !shows(key, at)) return false;
        if (!(key.changed_at <= at ? key.enabled : key.enabled_before)) return false;
        return key.proven = true;
    };
    return std::ranges::any_of(keys_, accepts) || std::ranges::any_of(gone_, accepts);
}

void Cloud::share(std::string_view installation, std::vector<std::string> open_names) {
    for (auto* keys : {&keys_, &gone_})
        for (auto& key : *keys) {
            const auto name = core::parse_key_name(key.name);
            if (name && name->installation == installation) key.shared = true;
        }
    std::ranges::move(open_names, std::back_inserter(shared_names_));
}

CloudKey* Cloud::find(std::string_view id) {
    for (auto* keys : {&keys_, &gone_})
        if (const auto key = std::ranges::find(*keys, id, &CloudKey::id); key != keys->end()) return &*key;
    return nullptr;
}

}  // namespace devkey::sim
