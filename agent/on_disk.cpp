#include "on_disk.hpp"

#include <algorithm>
#include <utility>

#include "core/leaving.hpp"
#include "engine/rehearsal.hpp"
#include "host/system_clock.hpp"
#include "services/app_services.hpp"
#include "storage/state_file.hpp"
#include "wiring.hpp"

namespace devkey {

core::Status status_on_disk(const core::Policy& policy, const std::optional<core::State>& state,
                            core::Instant now) {
    auto status = core::status_of(policy, state, {.now = now, .trust = core::ClockTrust::None});
    status.usable = status.key && status.key->published_at;
    if (!status.key) status.decision.reason = core::Reason::NoKeyYet;
    if (status.decommissioned_at)
        status.decision.reason = core::keys_left(policy, *state).empty() ? core::Reason::Decommissioned
                                                                         : core::Reason::DecommissionAsked;
    core::assess(status);
    return status;
}

core::Forecast plan_on_disk(const core::Settings& settings, const Known& known, core::Millis span,
                            std::stop_token stop) {
    engine::Scene scene{.setup = setup_for(settings, known.device.empty() ? "this-device" : known.device),
                        .state = storage::look_at_state(settings.state_directory),
                        .asking = known.asking,
                        .service = services::app_services_capabilities(),
                        .slots = known.slots,
                        .now = known.now,
                        .trust = known.trust,
                        .utc_offset = host::SystemClock{}.utc_offset()};
    // A clock that shows less than what was known once is wrong: the service would say so.
    scene.now = std::max(scene.now, scene.setup.built_at);
    if (scene.state && *scene.state) scene.now = std::max(scene.now, (*scene.state)->last_seen);
    return engine::rehearse(scene, span, {.most_steps = 200, .stop = std::move(stop)});
}

}  // namespace devkey
