// What the credential file holds: a key, its secret, and where it is valid.
#pragma once

#include <string>

#include "core/state.hpp"

namespace devkey::core {

/// What is published to the programs on this device. A view of a state, which must outlive it: no copy of the
/// secret is made for a look at the credential file.
struct Credential {
    const Identity& identity;
    const Key& key;
};

/// How the credential file is written: all of the credential, shell assignments, or the secret and a newline.
enum class CredentialFormat { Json, Env, Raw };

/// What a look at the credential file found, compared with what it should be.
enum class CredentialSight {
    Matches,   ///< content, mode and group are as they should be
    Missing,   ///< not there
    Altered,   ///< other content, or not a regular file of ours
    Loosened,  ///< right content, other mode, owner or group
};

}  // namespace devkey::core
