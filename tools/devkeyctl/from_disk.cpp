#include "devkeyctl/from_disk.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "control/plan_json.hpp"
#include "devkeyctl/become.hpp"
#include "host/device_id.hpp"
#include "host/hardening.hpp"
#include "host/system_clock.hpp"
#include "on_disk.hpp"
#include "services/app_services.hpp"
#include "settings/load.hpp"
#include "storage/requests_file.hpp"
#include "storage/state_file.hpp"

namespace devkey::ctl {

using core::ErrorKind;
using core::Result;

namespace {

constexpr const char* remedy = "; run devkeyctl as root, or as devkeyd's user";

core::Error with_remedy(core::Error error) {
    if (error.kind == ErrorKind::Forbidden) error.message += remedy;
    return error;
}

Result<std::string> plan(const core::Settings& settings, const std::optional<core::State>& state,
                         core::Asking asking, core::Millis span) {
    auto device = host::read_device_id(settings.device_id, -1);
    if (!device && !state) return std::unexpected(std::move(device.error()));
    const host::SystemClock clock;
    const Known known{
        .device = device ? *std::move(device) : state->identity.device,
        .asking = std::move(asking),
        .now = clock.now(),
        .trust = clock.is_synchronised() ? core::ClockTrust::Synchronised : core::ClockTrust::Floor};
    return control::format_plan(plan_on_disk(settings, known, span));
}

}  // namespace

Result<core::Settings> load_settings(const std::string& config) {
    if (::access(config.c_str(), R_OK) != 0) {
        const bool closed = errno == EACCES || errno == EPERM;
        const core::Error error{closed            ? ErrorKind::Forbidden
                                : errno == ENOENT ? ErrorKind::NotFound
                                                  : ErrorKind::InvalidInput,
                                config + ": " + std::strerror(errno)};
        return std::unexpected(with_remedy(error));
    }
    auto settings = settings::load(config, services::app_services_capabilities());
    if (settings) return *std::move(settings);
    std::string text;
    for (const auto& problem : settings.error())
        text += (text.empty() ? "" : "\n") + settings::format(problem);
    return core::fail(ErrorKind::InvalidInput, text);
}

Result<std::string> answer_from_disk(const std::string& config, const control::Question& question) {
    const auto settings = load_settings(config);
    if (!settings) return std::unexpected(settings.error());
    const auto& directory = settings->state_directory;
    // The state has secrets in it.
    if (const auto hardened = host::harden(); !hardened) return std::unexpected(hardened.error());
    if (const auto became = become_owner_of(directory); !became) return std::unexpected(became.error());
    const auto state = storage::look_at_state(directory);
    const bool plans = question.verb == control::Verb::Plan;
    // What else is wrong with it holds the agent: that is what a plan tells.
    if (!state && (!plans || state.error().kind == ErrorKind::Forbidden))
        return std::unexpected(with_remedy(state.error()));
    auto asking = storage::load_request(directory).value_or(core::Asking{});
    const auto known = state.value_or(std::nullopt);
    if (plans) return plan(*settings, known, std::move(asking), std::chrono::seconds{question.until_s});
    return control::format_status(status_on_disk(settings->policy, known, host::SystemClock{}.now()),
                                  {.version = "", .asking = std::move(asking), .running = false});
}

}  // namespace devkey::ctl
