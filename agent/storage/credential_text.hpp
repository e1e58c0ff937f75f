// What stands in the credential file. Pure.
#pragma once

#include "core/credential.hpp"
#include "core/secret.hpp"

namespace devkey::storage {

/// The whole content, in one of three forms:
/// - Json: an object with `version` (1), `service`, `app`, `device`, `key_id`, `key_name`, `key`,
/// `generation`,
///   `created_at`.
/// - Env: the same as lines `DEVKEY_…='value'`, which a POSIX shell and systemd's EnvironmentFile= read
/// alike.
/// - Raw: the key and a newline.
[[nodiscard]] core::Secret render(const core::Credential& credential, core::CredentialFormat format);

}  // namespace devkey::storage
