#include "host/hook_runner.hpp"

#include <unistd.h>

#include <cerrno>

#include "host/run_command.hpp"
#include "host/system_error.hpp"

namespace devkey::host {

core::Result<void> HookRunner::run(const core::Hook& hook, const ports::HookFacts& facts) {
    std::vector<std::string> environment{"DEVKEYD_CREDENTIAL_FILE=" + credential_file_};
    for (const auto& [name, value] : facts) environment.push_back(name + "=" + value);
    return run_program({.run = hook.run, .timeout = hook.timeout, .environment = environment}, stop_);
}

core::Result<void> check_hook(const core::Hook& hook) {
    const auto& program = hook.run.front();
    if (::access(program.c_str(), X_OK) != 0) return system_error(program + ": can't be run", errno);
    return {};
}

}  // namespace devkey::host
