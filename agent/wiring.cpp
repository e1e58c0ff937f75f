#include "wiring.hpp"

#include <filesystem>
#include <utility>

#include "host/device_id.hpp"
#include "host/group.hpp"
#include "host/owner_secret.hpp"
#include "services/app_services.hpp"
#include "services/connect.hpp"
#include "services/fingerprint.hpp"
#include "storage/state_lock.hpp"

namespace devkey {
namespace {

// No right clock shows an earlier time: this version was written then.
constexpr core::Instant built_at = std::chrono::sys_days{std::chrono::year{2026} / 11 / 1};

std::string owner_of(const core::OwnerSettings& owner) {
    std::string name{core::name_of(owner.provider)};
    if (!owner.username.empty()) name += ":" + owner.username;
    return name;
}

std::string heartbeat_of(const core::Policy& policy) {
    return policy.watchdog.heartbeat ? policy.watchdog.heartbeat->file : std::string{};
}

core::Result<engine::Setup> setup_of(const core::Settings& settings, int stop) {
    auto device = host::read_device_id(settings.device_id, stop);
    if (!device) return std::unexpected(std::move(device.error()));
    return setup_for(settings, *std::move(device));
}

}  // namespace

engine::Setup setup_for(const core::Settings& settings, std::string device) {
    core::Identity identity{.service = settings.service.url,
                            .app = settings.service.app,
                            .owner = owner_of(settings.owner),
                            .device = std::move(device)};
    return {.policy = settings.policy,
            .identity = std::move(identity),
            .key_prefix = settings.key_prefix,
            .machine = host::machine_tag(),
            .built_at = built_at,
            .fingerprint = services::fingerprint};
}

core::Result<std::unique_ptr<Device>> Device::make(const core::Settings& settings, const Shared& shared) {
    auto sink = storage::CredentialFile::make(settings.credential_file, shared.files);
    if (!sink) return std::unexpected(core::with_context("the credential file", std::move(sink.error())));
    auto setup = setup_of(settings, shared.stop);
    if (!setup) return std::unexpected(std::move(setup.error()));
    auto secret = host::make_owner_secret(settings.owner.secret, shared.credentials_directory, shared.stop);
    auto service = services::make_app_services(settings.service, settings.owner, *secret, shared.clock,
                                               shared.interrupter);
    if (!service) return std::unexpected(core::with_context("the service", std::move(service.error())));
    return std::unique_ptr<Device>(new Device(settings, shared, *std::move(setup), *std::move(sink),
                                              std::move(secret), *std::move(service)));
}

Device::Device(const core::Settings& settings, const Shared& shared, engine::Setup setup,
               storage::CredentialFile sink, std::unique_ptr<ports::OwnerSecret> secret,
               std::unique_ptr<ports::KeyService> service)
    : secret_(std::move(secret)),
      service_(std::move(service)),
      store_(settings.state_directory, shared.reporter, shared.files),
      sink_(std::move(sink)),
      heartbeat_(heartbeat_of(settings.policy)),
      hooks_(settings.credential_file.path, shared.stop),
      reconciler_({.service = *service_,
                   .store = store_,
                   .sink = sink_,
                   .clock = shared.clock,
                   .entropy = shared.entropy,
                   .reporter = shared.reporter,
                   .heartbeat = heartbeat_,
                   .hooks = hooks_},
                  std::move(setup)) {}

std::vector<core::Error> unusable_here(const core::Settings& settings,
                                       const std::string& credentials_directory) {
    std::vector<core::Error> found;
    const auto note = [&](const auto& result) {
        if (!result) found.push_back(result.error());
    };
    const auto note_of = [&](std::string_view setting, const auto& result) {
        if (!result) found.push_back(core::with_context(setting, result.error()));
    };
    note(services::check_ca_file(settings.service.ca_file));
    note(host::check_owner_secret(settings.owner.secret, credentials_directory));
    note(host::check_device_id(settings.device_id));
    note_of("state_directory", storage::StateLock::check(settings.state_directory));
    // The first run makes the state directory: the credential file may be in it.
    const std::filesystem::path credential{settings.credential_file.path};
    std::error_code ignored;
    if (credential.parent_path() != settings.state_directory ||
        std::filesystem::exists(settings.state_directory, ignored))
        note_of("credential_file.path", storage::check_directory_of(credential));
    if (!settings.metrics.textfile.empty())
        note_of("metrics.textfile", storage::check_directory_of(settings.metrics.textfile));
    for (const auto& [setting, group] : {std::pair{"control.read_group", settings.control.read_group},
                                         std::pair{"control.change_group", settings.control.change_group}})
        if (!group.empty()) note_of(setting, host::group_id(group));
    const auto& hooks = settings.policy.hooks;
    for (const auto& [setting, hook] : {std::pair{"hooks.after_publish", &hooks.after_publish},
                                        std::pair{"hooks.before_disable", &hooks.before_disable},
                                        std::pair{"hooks.on_failure", &hooks.on_failure}})
        if (*hook) note_of(setting, host::check_hook(**hook));
    storage::FileCalls calls;
    note(storage::CredentialFile::make(settings.credential_file, calls));
    return found;
}

}  // namespace devkey
