// Where the owner's secret comes from.
#pragma once

#include "core/error.hpp"
#include "core/secret.hpp"

namespace devkey::ports {

class OwnerSecret {
 public:
    virtual ~OwnerSecret() = default;
    /// Reads it anew: the caller drops it right after the log-in. Called from the worker; may block for the
    /// time the settings allow. Errors: InvalidInput (empty, too long, …), NotFound, Insecure (we may not
    /// read it, or others may), Unavailable (a program failed, or took too long), Io.
    [[nodiscard]] virtual core::Result<core::Secret> read() = 0;
};

}  // namespace devkey::ports
