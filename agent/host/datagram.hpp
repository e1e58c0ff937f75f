// One datagram to another program: how systemd and its journal are spoken to.
#pragma once

#include <string_view>

namespace devkey::host {

/// Sends `data` to the Unix socket at `address`: a path, or `@` and a name in Linux's abstract namespace.
/// Waits two seconds at most for a receiver that is behind. 0, or an errno: ENOENT and ECONNREFUSED where
/// nobody listens, EAGAIN for who stays behind, EMSGSIZE for more than one datagram takes.
[[nodiscard]] int send_datagram(std::string_view address, std::string_view data);

}  // namespace devkey::host
