// Puts one device's parts together, by its settings.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/settings.hpp"
#include "engine/reconciler.hpp"
#include "host/heartbeat_file.hpp"
#include "host/hook_runner.hpp"
#include "ports/key_service.hpp"
#include "ports/owner_secret.hpp"
#include "services/interrupter.hpp"
#include "storage/credential_file.hpp"
#include "storage/history_file.hpp"
#include "storage/state_file.hpp"

namespace devkey {

/// What all devices of the process share; outlives them.
struct Shared {
    ports::Clock& clock;
    ports::Entropy& entropy;
    ports::Reporter& reporter;
    services::Interrupter& interrupter;
    storage::FileCalls& files;
    const storage::HistoryFile& history;
    std::string credentials_directory;  ///< systemd's; empty if there is none
    int stop;                           ///< readable when we stop: ends commands
};

/// One device, ready for passes. Used by the worker alone.
class Device {
 public:
    /// Reads the device id, so it may block as long as a command may. The error tells what in the settings
    /// can't be used here.
    [[nodiscard]] static core::Result<std::unique_ptr<Device>> make(const core::Settings& settings,
                                                                    const Shared& shared);

    [[nodiscard]] engine::Snapshot pass(engine::Trigger trigger, const core::Asking& asking) {
        return reconciler_.pass(trigger, asking);
    }
    /// Logs out what is logged in: no later pass does.
    void rest() noexcept { service_->rest(); }
    /// Takes the place of `former`, which logs out what it has logged in.
    void succeed(Device& former) {
        former.rest();
        reconciler_.succeed(former.reconciler_);
    }

 private:
    Device(const core::Settings& settings, const Shared& shared, engine::Setup setup,
           storage::CredentialFile sink, std::unique_ptr<ports::OwnerSecret> secret,
           std::unique_ptr<ports::KeyService> service);

    std::unique_ptr<ports::OwnerSecret> secret_;
    std::unique_ptr<ports::KeyService> service_;
    storage::StateFile store_;
    storage::CredentialFile sink_;
    host::HeartbeatFile heartbeat_;
    host::HookRunner hooks_;
    engine::Reconciler reconciler_;
};

/// What the engine is told of the settings and this machine, for a device whose id is known.
[[nodiscard]] engine::Setup setup_for(const core::Settings& settings, std::string device);

/// What in the settings can't be used on this machine, by this user: all that Device::make and a first pass
/// would refuse of files, folders, groups and ids. It makes no request, runs no command and changes nothing.
/// Each message begins with the setting's name.
[[nodiscard]] std::vector<core::Error> unusable_here(const core::Settings& settings,
                                                     const std::string& credentials_directory);

}  // namespace devkey
