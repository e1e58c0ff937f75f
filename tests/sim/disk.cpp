#include "sim/disk.hpp"

#include "storage/state_file.hpp"

namespace devkey::sim {

using core::CredentialSight;
using core::ErrorKind;
using core::fail;

core::Result<std::optional<core::State>> Store::load() {
    if (mood_.unreadable) return fail(ErrorKind::Io, "input/output error");
    if (mood_.corrupt) return fail(ErrorKind::Corrupt, "is not whole JSON");
    if (!state) return std::nullopt;
    // The real form costs half of all time: a quarter of the starts go through it.
    if (!scene_.dice.chance(250)) return state;
    auto text = storage::format_state(*state);
    auto read = storage::parse_state(text.reveal());
    if (!read || *read != *state) throw Broken{"4: the state that was saved doesn't read back the same"};
    return *std::move(read);
}

core::Result<void> Store::save(const core::State& next) {
    effects_.pass("save", When::Before);
    const bool fails = mood_.full || scene_.dice.chance(mood_.flaky);
    if (fails) {
        // An error after the rename (when the directory is brought to disk) leaves the new content.
        const bool renamed = !mood_.full && scene_.dice.chance(200);
        if (renamed) state = next;
        ++scene_.coverage.faults[renamed ? "save-failed-after-rename" : "save-failed"];
        scene_.story.tell(effects_.who(), "the state can't be saved", renamed ? ", though it is there" : "");
        return fail(ErrorKind::Io, "no space left on device");
    }
    state = next;
    effects_.pass("save", When::After);
    return {};
}

core::Result<CredentialSight> Sink::look(const core::Credential& credential) {
    if (mood_.unreadable) return fail(ErrorKind::Io, "input/output error");
    if (!file.content) return CredentialSight::Missing;
    const bool same = file.content->id == credential.key.id && file.content->secret == credential.key.secret;
    if (!same || file.altered) return CredentialSight::Altered;
    return file.loosened ? CredentialSight::Loosened : CredentialSight::Matches;
}

core::Result<void> Sink::remove() {
    effects_.pass("remove-file", When::Before);
    if (mood_.unreadable || scene_.dice.chance(mood_.flaky)) return fail(ErrorKind::Io, "input/output error");
    file = {};
    if (!published.empty()) replaced_at[published] = scene_.timeline.now;
    published.clear();
    scene_.story.tell(effects_.who(), "the credential file is removed");
    effects_.pass("remove-file", When::After);
    return {};
}

core::Result<void> Sink::publish(const core::Credential& credential) {
    effects_.pass("publish", When::Before);
    if (mood_.full || scene_.dice.chance(mood_.flaky)) {
        ++scene_.coverage.faults["publish-failed"];
        scene_.story.tell(effects_.who(), "the credential file can't be written");
        return fail(ErrorKind::Io, "no space left on device");
    }
    const CloudKey* key = scene_.cloud.find(credential.key.id);
    if (key == nullptr || key->secret != credential.key.secret.reveal())
        throw Broken{"4: a credential was published that is no key's: " + credential.key.id};
    if (!key->proven) throw Broken{"4: key " + key->id + " was published, and has never logged in"};
    if (published != key->id) {
        if (!published.empty()) replaced_at[published] = scene_.timeline.now;
        replaced_at.erase(key->id);
        published = key->id;
    }
    file = {.content = credential.key};
    scene_.story.tell(effects_.who(), "the credential file holds ", key->id);
    effects_.pass("publish", When::After);
    return {};
}

}  // namespace devkey::sim
