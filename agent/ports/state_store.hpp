// Where the state is kept.
#pragma once

#include <optional>

#include "core/error.hpp"
#include "core/state.hpp"

namespace devkey::ports {

class StateStore {
 public:
    virtual ~StateStore() = default;
    /// None if there has never been one. Corrupt (with the place and the remedy), Insecure (owner or type),
    /// Forbidden (not permitted), Io; where it had to mend the mode, what save answers.
    [[nodiscard]] virtual core::Result<std::optional<core::State>> load() = 0;
    /// When it answers, the state is on disk, also after a power cut. On an error the old one is.
    /// Errors: Forbidden (not permitted), Insecure (others may replace files there), InvalidInput (a state
    /// that would not read back the same), Io (disk full, read-only, …).
    [[nodiscard]] virtual core::Result<void> save(const core::State& state) = 0;
};

}  // namespace devkey::ports
