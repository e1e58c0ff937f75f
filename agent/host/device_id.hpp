// Which device this is.
#pragma once

#include <string>

#include "core/error.hpp"
#include "core/settings.hpp"

namespace devkey::host {

/// The device's id from where the settings say: 1 to 255 printable ASCII characters, no space at either end.
/// What a file or a command puts around it (blanks, line ends, zero bytes) is cut. A host name that says
/// nothing
/// (`localhost`) is refused.
/// A command is ended when `stop` turns readable (-1: never). InvalidInput if the id is none, NotFound,
/// Insecure, Unavailable, Io: with the place.
[[nodiscard]] core::Result<std::string> read_device_id(const core::DeviceIdSource& source, int stop);

/// Whether it can be had, without running a command. The same errors, with the setting's name.
[[nodiscard]] core::Result<void> check_device_id(const core::DeviceIdSource& source);

/// Tells machines apart without telling which: the machine id, hashed with an application id of its own (not
/// the device id's, so that one can't be had from the other). Empty where the machine has none.
[[nodiscard]] std::string machine_tag();

}  // namespace devkey::host
