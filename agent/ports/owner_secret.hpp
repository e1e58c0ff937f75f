// Where the owner's secret comes from.
#pragma once

#include "core/error.hpp"
#include "core/secret.hpp"

namespace devkey::ports {

class OwnerSecret {
 public:
    virtual ~OwnerSecret() = default;
    /// Reads it anew: the caller drops it right after the log-in. Called from the worker; may block for the
    /// time the settings allow. Errors: InvalidInput, NotFound, Insecure (permissions), Io.
    [[nodiscard]] virtual core::Result<core::Secret> read() = 0;
};

}  // namespace devkey::ports
