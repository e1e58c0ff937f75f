// What a program gets that reads the credential file now, and whose it is.
#pragma once

#include <cstdint>
#include <string>

#include "core/error.hpp"
#include "core/secret.hpp"
#include "core/settings.hpp"

namespace devkey::storage {

struct Published {
    core::Secret content;  ///< of the credential file
    std::string key_id;
    std::string key_name;
    std::uint32_t generation = 0;
};

/// Only what the state has as a key that is enabled, and whole. While another key is being published, it is
/// the one or the other. For who doesn't hold the directory's StateLock: it changes nothing. NotFound: there
/// is no such key; Corrupt: the file holds something else; and what else reading state and file may fail of.
[[nodiscard]] core::Result<Published> look_at_published(const std::string& state_directory,
                                                        const core::CredentialFileSettings& settings);

}  // namespace devkey::storage
