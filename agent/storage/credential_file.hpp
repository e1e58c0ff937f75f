// The credential file: what the programs on this device read.
#pragma once

#include <sys/types.h>

#include "core/settings.hpp"
#include "ports/credential_sink.hpp"
#include "storage/atomic_file.hpp"
#include "storage/file_calls.hpp"

namespace devkey::storage {

/// One file, in the format, mode and group of the settings; its owner is the process's user.
class CredentialFile final : public ports::CredentialSink {
 public:
    /// Looks the group up, once. `calls` must outlive it. InvalidInput: there is no such group, or the
    /// process isn't in it (and isn't root), so that it could never give the file to it.
    [[nodiscard]] static core::Result<CredentialFile> make(core::CredentialFileSettings settings,
                                                           FileCalls& calls);

    /// Anything that stands there and isn't exactly ours is Altered or Loosened, and publish mends it.
    /// Touches nothing but what a crash left of an unfinished publish. Io: the file can't be read.
    [[nodiscard]] core::Result<core::CredentialSight> look(const core::Credential& credential) override;

    /// Always writes: ask look() first. Errors as write_file.
    [[nodiscard]] core::Result<void> publish(const core::Credential& credential) override;

 private:
    CredentialFile(core::CredentialFileSettings settings, Protection protection, FileCalls& calls);

    core::CredentialFileSettings settings_;
    Protection protection_;
    FileCalls& calls_;
};

}  // namespace devkey::storage
