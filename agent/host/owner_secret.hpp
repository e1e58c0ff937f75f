// The owner's secret, from where the settings say.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/settings.hpp"
#include "ports/owner_secret.hpp"

namespace devkey::host {

/// `credentials_directory`: systemd's $CREDENTIALS_DIRECTORY, empty if there is none. A command is ended when
/// `stop` turns readable (-1: never). What is read loses one trailing newline; an empty secret is an error.
[[nodiscard]] std::unique_ptr<ports::OwnerSecret> make_owner_secret(core::SecretSource source,
                                                                    std::string credentials_directory,
                                                                    int stop);

/// Whether it can be had, without running a command; a credential is looked at under systemd only, which
/// makes the directory. The errors of read(), with the setting's name.
[[nodiscard]] core::Result<void> check_owner_secret(const core::SecretSource& source,
                                                    const std::string& credentials_directory);

/// The file it is read from; none for a command, or for a credential without a directory.
[[nodiscard]] std::optional<std::string> path_of(const core::SecretSource& source,
                                                 const std::string& credentials_directory);

}  // namespace devkey::host
