#include "sim/disk.hpp"

#include <utility>

#include "storage/state_file.hpp"

namespace devkey::sim {

using core::CredentialSight;
using core::ErrorKind;
using core::fail;

core::Result<std::optional<core::State>> Store::load() {
    if (mood_.unreadable) return fail(ErrorKind::Io, "input/output error");
    if (mood_.corrupt) return fail(ErrorKind::Corrupt, "is not whole JSON");
    if (!state) return std::nullopt;
    if (file)
        if (auto synced = file->sync(); !synced) return std::unexpected(synced.error());
    // The real form takes time: one start of twenty goes through it.
    if (!scene_.dice.chance(50)) return state;
    auto text = storage::format_state(*state);
    auto read = storage::parse_state(text.reveal());
    if (!read || *read != *state) throw Broken{"4: the state that was saved doesn't read back the same"};
    return *std::move(read);
}

core::Result<void> Store::save(const core::State& next) {
    effects_.pass("save", When::Before);
    if (auto written = write(next); !written) {
        const bool renamed = state == next;
        ++scene_.coverage.faults[renamed ? "save-failed-after-rename" : "save-failed"];
        scene_.story.tell(effects_.who(), "the state can't be saved", renamed ? ", though it is there" : "");
        return written;
    }
    effects_.pass("save", When::After);
    return {};
}

core::Result<void> Store::write(const core::State& next) {
    if (file) return file->write(next, [&] { state = next; });
    if (mood_.full || scene_.dice.chance(mood_.flaky)) {
        // An error after the rename (when the directory is brought to disk) leaves the new content.
        const bool renamed = !mood_.full && scene_.dice.chance(200);
        if (renamed && !undone_) undone_ = state;
        if (renamed) state = next;
        return fail(ErrorKind::Io, "no space left on device");
    }
    state = next;
    undone_.reset();
    return {};
}

void Store::put(const std::optional<core::State>& there) {
    state = there;
    undone_.reset();
    if (file) file->put(there);
}

void Store::lose_power() {
    const auto before = state;
    if (file) state = file->after_power_cut();
    if (auto older = std::exchange(undone_, std::nullopt); older && scene_.dice.chance(500))
        state = *std::move(older);
    if (state == before) return;
    ++scene_.coverage.faults["save-undone-by-power-cut"];
    scene_.story.tell(effects_.who(), "the power cut brings an older state back");
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
    if (mood_.unreadable) return fail(ErrorKind::Io, "input/output error");
    if (auto written = write(std::nullopt); !written) return written;
    scene_.story.tell(effects_.who(), "the credential file is removed");
    effects_.pass("remove-file", When::After);
    return {};
}

core::Result<void> Sink::publish(const core::Credential& credential) {
    effects_.pass("publish", When::Before);
    const CloudKey* key = scene_.cloud.find(credential.key.id);
    if (key == nullptr || key->secret != credential.key.secret.reveal())
        throw Broken{"4: a credential was published that is no key's: " + credential.key.id};
    if (!key->proven) throw Broken{"4: key " + key->id + " was published, and has never logged in"};
    if (auto written = write(credential.key); !written) {
        ++scene_.coverage.faults["publish-failed"];
        scene_.story.tell(effects_.who(), "the credential file can't be written");
        return written;
    }
    scene_.story.tell(effects_.who(), "the credential file holds ", key->id);
    effects_.pass("publish", When::After);
    return {};
}

core::Result<void> Sink::write(const std::optional<core::Key>& next) {
    if (!on_disk) {
        if ((next && mood_.full) || scene_.dice.chance(mood_.flaky))
            return fail(ErrorKind::Io, "no space left on device");
        show(next);
        return {};
    }
    return on_disk->write(next, [&] { show(next); });
}

/// What a reader sees from now on.
void Sink::show(const std::optional<core::Key>& content) {
    const std::string id = content ? content->id : std::string{};
    if (published != id) {
        if (!published.empty()) replaced_at[published] = scene_.timeline.now;
        replaced_at.erase(id);
        published = id;
    }
    file = {.content = content};
}

void Sink::lose() {
    file = {};
    published.clear();
    if (on_disk) on_disk->put(std::nullopt);
}

void Sink::copy(const Sink& other) {
    file = other.file;
    published = other.published;
    replaced_at = other.replaced_at;
    if (on_disk) on_disk->put(file.content);
}

void Sink::lose_power() {
    if (!on_disk) return;
    const auto& content = on_disk->after_power_cut();
    if (file.altered || file.content == content) return;  // what somebody did to it stays
    ++scene_.coverage.faults["publish-undone-by-power-cut"];
    scene_.story.tell(effects_.who(), "the power cut brings an older credential file back");
    show(content);
}

}  // namespace devkey::sim
