// The credential file: what the device's programs read.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/settings.hpp"
#include "ports/credential_sink.hpp"
#include "storage/atomic_file.hpp"

namespace devkey::storage {

/// The file's content: JSON (`"version": 1`), assignments that both a shell and systemd's EnvironmentFile=
/// read the same, or the secret and a newline.
[[nodiscard]] core::Secret render(const core::Credential& credential, core::CredentialFormat format);

class CredentialFile : public ports::CredentialSink {
 public:
    /// Looks the group up. InvalidInput if there is none of that name, or if the process isn't a member (and
    /// not root).
    [[nodiscard]] static core::Result<CredentialFile> make(core::CredentialFileSettings settings,
                                                           FileCalls& calls);

    /// Touches nothing but what a crash left of an unfinished publish.
    [[nodiscard]] core::Result<core::CredentialSight> look(const core::Credential& credential) override;
    [[nodiscard]] core::Result<void> publish(const core::Credential& credential) override;
    [[nodiscard]] core::Result<void> remove() override;

 private:
    CredentialFile(core::CredentialFileSettings settings, gid_t group, FileCalls& calls);

    core::CredentialFileSettings settings_;
    gid_t group_;
    FileCalls& calls_;
};

}  // namespace devkey::storage
