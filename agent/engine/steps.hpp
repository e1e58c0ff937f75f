// Small steps that the actions share: only the engine's own files include this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/decision.hpp"
#include "core/error.hpp"
#include "core/service_view.hpp"
#include "core/state.hpp"
#include "ports/reporter.hpp"

namespace devkey::engine {

/// Remembers that `name` was removed: a list that lags may still show it.
void retire(core::State& state, const std::string& name);

/// A key of ours that nobody will use was removed. Where names are unique, its name is kept for the next
/// create: a request for it that is still on its way then meets a taken name, or makes a key that we know.
/// `asked_at`: when it was last asked for, or later.
void let_go(core::State& state, const std::string& name, std::uint32_t generation, core::Instant asked_at,
            const core::Capabilities& service);

/// The same key, when it isn't the current one any more.
[[nodiscard]] core::OldKey old_key(const core::Key& key);

/// What was current becomes an old key.
void supersede_current(core::State& state);

/// The key that it may have made, without its secret.
[[nodiscard]] core::Key key_of(const core::Intent& intent);

/// One of the keys that go, ours or another installation's: of the latter, id and name. Of one that the state
/// doesn't know, only the id.
[[nodiscard]] core::Key key_that_goes(const core::State& state, const std::string& id);

/// The key that a decision is about: its target; else the one that is being made, or on its way into use, or
/// the current one. Empty where there is none.
[[nodiscard]] core::Key key_told_of(const std::optional<core::State>& state, const core::Decision& decision);

/// Adds the fields that tell which key an event is about; what isn't known is left out.
void name_key(ports::Event& event, const core::Key& key);

/// Whose keys these are, for people: `3 of device a, 1 of device b, 2 not made by devkeyd`.
[[nodiscard]] std::string holders_of(const std::vector<core::ListedKey>& keys);

/// The key before the current one becomes the pending one. Corrupt: there is none.
[[nodiscard]] core::Result<void> take_back(core::State& state);

/// What becomes of a key can't be told yet: reads of so young a one may lag.
[[nodiscard]] std::unexpected<core::Error> too_young();

/// Pulls every time that lies ahead of `now` back to it, and sets the times that were to be set once the time
/// is known.
void mend_times_in(core::State& state, core::Instant now, const core::Capabilities& service);

}  // namespace devkey::engine
