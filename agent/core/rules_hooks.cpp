// The rules about programs that are run for the policy.
#include <string>

#include "core/rules.hpp"

namespace devkey::core::rule {
namespace {

/// Of a required hook, in a row: then its programs can't take the new key.
constexpr std::uint32_t most_tries = 5;

bool gives_up(const Hook& hook, const CurrentKey& key, const Observation& seen) {
    // Who went back once doesn't go further back: the fault isn't the key's.
    return hook.required && key.told.failures >= most_tries && !key.returned_at && may_go_back(seen);
}

}  // namespace

Answer programs_are_told(const Policy& policy, const Observation& seen) {
    const auto& hook = policy.hooks.after_publish;
    const CurrentKey* key = settled_key(seen);
    const bool published = key != nullptr && seen.credential_file == CredentialSight::Matches;
    if (!hook || !published || key->told.done) return std::nullopt;
    if (gives_up(*hook, *key, seen))
        return act(Action::RollBack, Reason::HookKeepsFailing, key->told.message);
    return act(Action::RunHook, Reason::ProgramsNotTold, hook->run.front());
}

bool waits_for_programs(const Policy& policy, const Observation& seen) {
    const auto& hook = policy.hooks.after_publish;
    const CurrentKey* key = settled_key(seen);
    return hook && hook->required && key != nullptr && !key->told.done;
}

Answer programs_are_warned(const Policy& policy, const OldKey& key) {
    const auto& hook = policy.hooks.before_disable;
    if (!hook || key.told.done) return std::nullopt;
    if (!hook->required && key.told.failures > 0) return std::nullopt;
    return act(Action::RunHook, Reason::OldKeyGoes, key.name, key.id);
}

}  // namespace devkey::core::rule
