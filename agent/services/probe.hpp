// Looks at the way to the service, for people who ask what is wrong with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/settings.hpp"
#include "services/interrupter.hpp"

namespace devkey::services {

/// The addresses of service.url's host. Unavailable; InvalidInput (service.url).
[[nodiscard]] core::Result<std::vector<std::string>> look_up(const core::ServiceSettings& settings,
                                                             Interrupter& interrupter);

/// Connects as a request would, and says when the certificate ends; none: it is plain HTTP. `now` is what
/// certificates are judged by. The errors of connect_to.
[[nodiscard]] core::Result<std::optional<core::Instant>> certificate_end(
    const core::ServiceSettings& settings, core::Instant now, Interrupter& interrupter);

}  // namespace devkey::services
