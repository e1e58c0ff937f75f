// User API keys of the App Services client API, version 2.0 (as realm-web 2.0.1 speaks it).
#pragma once

#include <memory>

#include "core/settings.hpp"
#include "ports/clock.hpp"
#include "ports/key_service.hpp"
#include "ports/owner_secret.hpp"
#include "services/interrupter.hpp"

namespace devkey::services {

/// What such a service can do.
[[nodiscard]] core::Capabilities app_services_capabilities();

/// InvalidInput if the URL can't be used. The references outlive the service.
[[nodiscard]] core::Result<std::unique_ptr<ports::KeyService>> make_app_services(
    const core::ServiceSettings& service, const core::OwnerSettings& owner, ports::OwnerSecret& secret,
    const ports::Clock& clock, Interrupter& interrupter);

}  // namespace devkey::services
