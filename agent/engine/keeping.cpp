// The actions on keys that are there: what the schedule looks at, and what the policy lets go.
#include <algorithm>
#include <utility>

#include "core/key_name.hpp"
#include "engine/reconciler.hpp"
#include "engine/steps.hpp"

namespace devkey::engine {

using namespace core;

namespace {

template <class Keys>
auto find_key(Keys& keys, const std::string& id) {
    return std::ranges::find(keys, id, [](const auto& key) { return key.id; });
}

/// Promise 3, whatever a damaged state says: the key in use is never let go.
Result<void> check_not_in_use(const State& state, const std::string& id) {
    const bool in_use =
        (state.current && state.current->key.id == id) || (state.pending && state.pending->key.id == id);
    if (!in_use) return {};
    return fail(ErrorKind::Corrupt, "the state names the key in use as one that goes: it is not touched");
}

/// Whether there was one.
bool forget_secret(State& state, const std::string& id) {
    const auto old = find_key(state.superseded, id);
    if (old == state.superseded.end() || old->secret.empty()) return false;
    old->secret = {};
    return true;
}

}  // namespace

Reconciler::Done Reconciler::apply_to_keys(const Decision& decision) {
    switch (decision.action) {
        case Action::AskTime:
            return ask_time();
        case Action::MendTimes:
            return mend_times();
        case Action::EnableKey:
            return enable_key();
        case Action::DisableKey:
            return disable_key(decision.target);
        case Action::RemoveKey:
            return remove_key(decision.target);
        case Action::CheckLogin:
            return check_login();
        case Action::CheckListed:
            return check_listed();
        case Action::SwitchOff:
            return switch_off();
        case Action::Decommission:
            return decommission();
        case Action::Recommission:
            return recommission();
        case Action::TakeNote:
            return take_note();
        case Action::RollBack:
            return roll_back();
        case Action::RunHook:
            return decision.target.empty() ? tell_programs() : warn_programs(decision.target);
        default:
            return {};  // Idle and Hold: there is nothing to do
    }
}

Reconciler::Done Reconciler::ask_time() {
    if (auto in = log_in_as_owner(); !in) return in;
    if (time().trust == ClockTrust::Server) return {};
    return fail(ErrorKind::Unavailable, "the service's answers have no usable Date, so no age is known");
}

Reconciler::Done Reconciler::mend_times() {
    State next = *seen_.state;
    mend_times_in(next, time().now, world_.service.capabilities());
    return save(std::move(next));
}

void Reconciler::forget_refusal() {
    seen_.login_refused = false;
    seen_.failures.erase(Action::CheckLogin);
}

Reconciler::Done Reconciler::enable_key() {
    if (auto in = log_in_as_owner(); !in) return in;
    const Key key = seen_.state->current->key;
    const auto enabled = world_.service.enable(key.id);
    const bool gone = !enabled && enabled.error().kind == ErrorKind::NotFound;
    if (!enabled && !gone) return std::unexpected(enabled.error());
    changed_ = true;
    State next = *seen_.state;
    next.current->standing = gone ? Standing::DeletedOutside : Standing::Enabled;
    next.current->unsure_until = time().now + world_.service.capabilities().read_lag;
    if (auto saved = save(std::move(next)); !saved) return saved;
    if (gone) return {};
    forget_refusal();
    tell_of("key-enabled", "the key is enabled again", key);
    return {};
}

Reconciler::Done Reconciler::disable_key(const std::string& id) {
    if (auto free = check_not_in_use(*seen_.state, id); !free) return free;
    if (auto forgotten = forget_if_leaked(id); !forgotten) return forgotten;
    if (auto in = log_in_as_owner(); !in) return in;
    auto unsure = note_disabling(id);
    if (!unsure) return std::unexpected(unsure.error());
    const auto disabled = world_.service.disable(id);
    if (!disabled && disabled.error().kind == ErrorKind::NotFound) return forget_key(id, "was gone already");
    if (!disabled) return std::unexpected(disabled.error());
    changed_ = true;
    State next = *seen_.state;
    const auto old = find_key(next.superseded, id);
    const auto other = find_key(next.others, id);
    if (old != next.superseded.end()) {
        old->disabled_at = time().now;
        old->unsure_until = *unsure;
    }
    if (other != next.others.end()) other->disabled = true;
    if (auto saved = save(std::move(next)); !saved) return saved;
    seen_.failures.erase(Task{Action::RunHook, id});
    tell_of("key-disabled", "a key that isn't needed any more is disabled", key_that_goes(*seen_.state, id));
    return {};
}

Reconciler::Done Reconciler::forget_if_leaked(const std::string& id) {
    if (latest_.reason != Reason::KeyCompromised) return {};
    State next = *seen_.state;
    return forget_secret(next, id) ? save(std::move(next)) : Done{};
}

Result<std::optional<Instant>> Reconciler::note_disabling(const std::string& id) {
    State next = *seen_.state;
    const auto old = find_key(next.superseded, id);
    if (old == next.superseded.end()) {
        if (find_key(next.others, id) != next.others.end()) return std::nullopt;
        return fail(ErrorKind::Corrupt, "the state doesn't know the key that was to be disabled");
    }
    const auto before = old->unsure_until;
    // Only a key that may come back needs it: a request that wasn't answered must not hit it then.
    if (old->secret.empty()) return before;
    old->unsure_until = time().now + world_.service.capabilities().late_landing;
    if (auto saved = save(std::move(next)); !saved) return std::unexpected(saved.error());
    return before;
}

Reconciler::Done Reconciler::remove_key(const std::string& id) {
    if (auto free = check_not_in_use(*seen_.state, id); !free) return free;
    if (auto forgotten = forget_if_leaked(id); !forgotten) return forgotten;
    if (auto in = log_in_as_owner(); !in) return in;
    // From now on it can't come back: a removal that wasn't answered would meet it.
    if (State next = *seen_.state; forget_secret(next, id))
        if (auto saved = save(std::move(next)); !saved) return saved;
    if (auto removed = world_.service.remove(id); !removed) return std::unexpected(removed.error());
    changed_ = true;
    count_slot(false);
    // There is room again.
    for (const auto action : {Action::AskService, Action::Create})
        if (const auto failure = seen_.failures.find(action);
            failure != seen_.failures.end() && failure->second.reason == Reason::QuotaFull)
            seen_.failures.erase(failure);
    return forget_key(id, "is removed");
}

Reconciler::Done Reconciler::forget_key(const std::string& id, std::string_view what) {
    const Key key = key_that_goes(*seen_.state, id);
    State next = *seen_.state;
    if (!key.name.empty()) retire(next, key.name);
    const auto is_it = [&id](const auto& known) { return known.id == id; };
    std::erase_if(next.superseded, is_it);
    std::erase_if(next.others, is_it);
    if (auto saved = save(std::move(next)); !saved) return saved;
    seen_.failures.erase(Task{Action::RunHook, id});
    tell_of("key-removed", "a key that isn't needed any more " + std::string(what), key);
    return {};
}

Result<bool> Reconciler::is_refused() {
    const auto owner = world_.service.prove(seen_.state->current->key.secret);
    if (owner) return *owner != seen_.state->owner_id;
    if (owner.error().kind == ErrorKind::Unauthenticated) return true;
    return std::unexpected(owner.error());
}

Reconciler::Done Reconciler::check_login() {
    const auto refused = is_refused();
    if (!refused) return std::unexpected(refused.error());
    if (*refused && is_too_young_to_tell(seen_.state->current->key)) return too_young();
    // What follows is for the owner to find out: a refusal alone proves nothing.
    seen_.login_refused = *refused;
    // A failure, so that it is tried less and less often while the owner finds nothing wrong.
    if (seen_.login_refused) return fail(ErrorKind::Unauthenticated, "the key doesn't log in");
    State next = *seen_.state;
    next.current->logged_in_at = time().now;
    // Log-ins lag, too.
    if (!is_off_since_a_moment()) next.current->standing = Standing::Enabled;
    return save(std::move(next));
}

void Reconciler::note_room(std::size_t taken) {
    const auto limit = world_.service.capabilities().keys_per_owner;
    seen_.quota_is_short = limit != 0 && taken + 2 > limit;
    seen_.owner_is_crowded = limit != 0 && taken * 4 >= limit * 3;
}

void Reconciler::count_slot(bool taken) {
    if (!slots_) return;
    if (taken)
        ++slots_->taken;
    else if (slots_->taken > 0)
        --slots_->taken;
}

Reconciler::Done Reconciler::list() {
    auto listed = world_.service.list();
    if (!listed) return std::unexpected(listed.error());
    seen_.listed = *std::move(listed);
    slots_ = {.taken = seen_.listed->size(),
              .most = world_.service.capabilities().keys_per_owner,
              .at = time().now};
    seen_.asked.look = false;
    note_room(seen_.listed->size());
    return note_twin();
}

Reconciler::Done Reconciler::note_twin() {
    if (!seen_.state) return {};
    const State& state = *seen_.state;
    // A name that was asked for twice may be listed with its removed key's id.
    const bool lags = state.current && is_too_young_to_tell(state.current->key);
    std::optional<std::string> twin;
    for (const auto& key : *seen_.listed) {
        const auto name = parse_key_name(key.name);
        const bool ours = name && name->installation == state.installation;
        if (ours && (!is_recorded(state, key.name) || (!lags && is_double(state, key)))) twin = key.name;
    }
    if (twin == state.twin) return {};
    State next = state;
    next.twin = std::move(twin);
    return save(std::move(next));
}

Result<Standing> Reconciler::standing_on_service(const std::vector<ListedKey>& listed) {
    const Key& key = seen_.state->current->key;
    const auto found = find_key(listed, key.id);
    bool enabled = found != listed.end() && found->enabled;
    bool there = found != listed.end();
    if (!there) {  // absence from a list proves nothing
        const auto got = world_.service.get(key.id);
        if (!got && got.error().kind != ErrorKind::NotFound) return std::unexpected(got.error());
        there = got.has_value();
        enabled = there && got->enabled;
    }
    const Standing known = seen_.state->current->standing;
    if (enabled) return is_off_since_a_moment() ? known : Standing::Enabled;
    if (is_too_young_to_tell(key)) return too_young();
    if (known == Standing::Enabled && !seen_.login_refused) {
        // Reads lag: a key that logs in is neither disabled nor gone.
        const auto refused = is_refused();
        if (!refused) return std::unexpected(refused.error());
        if (!*refused) return Standing::Enabled;
    }
    if (!there) return Standing::DeletedOutside;
    return is_switched_off(known) ? known : Standing::DisabledOutside;
}

bool Reconciler::is_off_since_a_moment() const {
    const CurrentKey& key = *seen_.state->current;
    if (key.standing == Standing::SwitchingOff) return true;
    return key.standing == Standing::SwitchedOff && key.unsure_until && time().now < *key.unsure_until;
}

bool Reconciler::is_too_young_to_tell(const Key& key) const {
    const auto& current = seen_.state->current;
    const bool unsure = current && current->unsure_until && time().now < *current->unsure_until;
    return unsure || time().now - key.created_at < world_.service.capabilities().read_lag;
}

Reconciler::Done Reconciler::check_listed() {
    if (auto in = log_in_as_owner(); !in) return in;
    if (auto listed = list(); !listed) return listed;
    State next = known_state();
    note_others(next);
    // Whether there is room for another key is for AskService to say.
    const auto listed = *std::exchange(seen_.listed, std::nullopt);
    if (!next.current) {
        if (auto saved = save(std::move(next)); !saved) return saved;
        seen_.asked.others_known = true;
        return {};
    }
    const auto standing = standing_on_service(listed);
    if (!standing) return std::unexpected(standing.error());
    const Standing was = seen_.state->current->standing;
    next.current->standing = *standing;
    next.current->listed_at = time().now;
    if (auto saved = save(std::move(next)); !saved) return saved;
    seen_.asked.others_known = true;
    if (seen_.login_refused && *standing == Standing::Enabled) {
        ports::Event event{
            .severity = ports::Severity::Warning,
            .name = name_of(Reason::LoginRefused),
            .message = "the key doesn't log in, though the service says that it is there and enabled"};
        name_key(event, seen_.state->current->key);
        world_.reporter.report(event);
    } else if (*standing == Standing::Enabled && was != Standing::Enabled) {
        seen_.failures.erase(Action::CheckLogin);  // somebody has mended it
    }
    seen_.login_refused = false;
    return {};
}

void Reconciler::note_others(State& state) const {
    const auto label =
        device_label(state.identity.device, setup_.key_prefix, world_.service.capabilities().longest_name);
    std::vector<OtherKey> others;
    for (const auto& key : *seen_.listed) {
        const auto name = parse_key_name(key.name);
        const bool of_other = label && name && name->prefix == setup_.key_prefix && name->device == *label &&
                              name->installation != state.installation;
        if (!of_other) continue;
        const auto known = find_key(state.others, key.id);
        if (known != state.others.end()) {
            others.push_back(*known);
            continue;
        }
        others.push_back({.id = key.id, .name = key.name, .seen_at = time().now, .disabled = false});
        world_.reporter.report({.severity = ports::Severity::Warning,
                                .name = name_of(Reason::OtherInstallation),
                                .message = std::string(sentence_of(Reason::OtherInstallation)),
                                .fields = {{"key_name", key.name}, {"key_id", key.id}}});
    }
    state.others = std::move(others);
}

}  // namespace devkey::engine
