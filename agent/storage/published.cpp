#include "storage/published.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/status.hpp"
#include "storage/atomic_file.hpp"
#include "storage/credential_file.hpp"
#include "storage/state_file.hpp"

namespace devkey::storage {

using core::ErrorKind;
using core::Key;
using core::Result;
using core::State;

namespace {

constexpr std::size_t longest_credential = std::size_t{64} * 1024;

/// The keys that the credential file may hold.
Result<std::vector<Key>> keys_in_use(const State& state) {
    if (!state.current) return core::fail(ErrorKind::NotFound, "the device has no key");
    const auto& current = *state.current;
    if (current.standing != core::Standing::Enabled)
        return core::fail(ErrorKind::NotFound,
                          "the device's key is " + std::string(core::name_of(current.standing)));
    std::vector<Key> keys{current.key};
    if (current.published_at) return keys;
    // The one before is still there until the file is replaced.
    for (const auto& old : state.superseded)
        if (!old.disabled_at && !old.secret.empty())
            keys.push_back({.id = old.id,
                            .name = old.name,
                            .generation = old.generation,
                            .secret = old.secret,
                            .created_at = old.created_at});
    return keys;
}

}  // namespace

Result<Published> look_at_published(const std::string& state_directory,
                                    const core::CredentialFileSettings& settings) {
    // The file first: what it holds now is in any later state, but not in any earlier one.
    auto file = read_file(settings.path, longest_credential);
    const auto state = look_at_state(state_directory);
    if (!state) return std::unexpected(state.error());
    if (!*state) return core::fail(ErrorKind::NotFound, "the device has no key");
    const auto keys = keys_in_use(**state);
    if (!keys) return std::unexpected(keys.error());
    if (!file) return std::unexpected(std::move(file.error()));
    const auto held = std::ranges::find_if(*keys, [&](const Key& key) {
        return render({.identity = (*state)->identity, .key = key}, settings.format) == file->content;
    });
    if (held == keys->end())
        return core::fail(ErrorKind::Corrupt, settings.path + ": doesn't hold the device's key");
    return Published{.content = std::move(file->content),
                     .key_id = held->id,
                     .key_name = held->name,
                     .generation = held->generation};
}

}  // namespace devkey::storage
