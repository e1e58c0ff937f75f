// Where the credential is published.
#pragma once

#include "core/credential.hpp"
#include "core/error.hpp"

namespace devkey::ports {

class CredentialSink {
 public:
    virtual ~CredentialSink() = default;
    /// Compares what is there with what should be; changes nothing. Io.
    [[nodiscard]] virtual core::Result<core::CredentialSight> look(const core::Credential& credential) = 0;
    /// Makes it whole, with the right mode and owner from birth; a reader sees the old or the new.
    /// Forbidden (not permitted), Insecure (others may replace files there), Io (disk full, read-only, …).
    [[nodiscard]] virtual core::Result<void> publish(const core::Credential& credential) = 0;
    /// Removes it; success too if there is nothing. When it answers, it is gone, also after a power cut.
    /// Forbidden, Io.
    [[nodiscard]] virtual core::Result<void> remove() = 0;
};

}  // namespace devkey::ports
