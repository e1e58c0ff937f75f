// The doctor: looks at all that the agent needs, and names a remedy for what is wrong. Changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/settings.hpp"
#include "core/state.hpp"
#include "devkeyctl/verbs.hpp"
#include "ports/clock.hpp"
#include "ports/key_service.hpp"

namespace devkey::ctl {

enum class Grade {
    Ok,
    Warning,  ///< it works, and somebody should look after it
    Failed,
    Skipped,  ///< it couldn't be looked at: the detail tells why
};

/// `ok`, `warning`, `failed`, `skipped`.
[[nodiscard]] std::string_view name_of(Grade grade);

/// What one check has found. Whatever isn't ok has a detail; warnings and failures have a remedy.
struct Finding {
    std::string name;  ///< stable, kebab case
    Grade grade = Grade::Ok;
    std::string detail{};
    std::string remedy{};

    bool operator==(const Finding&) const = default;
};

/// What is free on a file system, for a user without privileges.
struct Room {
    std::uint64_t bytes = 0;
    std::uint64_t files = 0;
    bool read_only = false;
};

/// What the checks look at; a test puts something else in its place.
struct Patient {
    const core::Settings& settings;
    core::Result<std::optional<core::State>> state;
    std::vector<core::Error> unusable;  ///< of the settings, on this machine (unusable_here)
    std::string credentials_directory;  ///< systemd's; empty: there is none
    ports::KeyService& service;
    const ports::Clock& clock;
    std::function<core::Result<std::string>()> agent;                 ///< who runs, in words
    std::function<core::Result<std::vector<std::string>>()> look_up;  ///< the service's addresses
    /// Connects, with TLS where the settings want it: when the certificate ends; none: there is none.
    std::function<core::Result<std::optional<core::Instant>>()> certificate_end;
    /// Of the file system that a directory is on, or will be.
    std::function<core::Result<Room>(const std::string&)> room_in;
};

/// On this machine: agent, files, state, disk, hooks.
[[nodiscard]] std::vector<Finding> examine_machine(const Patient& patient);
/// At the service: name, tls, log-in, key, quota, clock. What the log-in opens is closed again.
[[nodiscard]] std::vector<Finding> examine_service(const Patient& patient);

/// Whether the shipped unit's sandbox would let devkeyd run these programs.
[[nodiscard]] Finding check_hooks(const std::vector<std::vector<std::string>>& programs);

/// Whether the file is there from which the unit, whose text this is (as `systemctl cat` prints it), loads
/// the owner's secret. systemd says no more of it than status=243/CREDENTIALS.
[[nodiscard]] Finding check_secret(const std::string& credential, const core::Result<std::string>& unit);

/// By its message: what comes after `; ` is the remedy; where there is none, `remedy` is.
[[nodiscard]] Finding failed(std::string name, const core::Error& error, std::string remedy);
[[nodiscard]] Finding skipped(std::string name, std::string why);

/// All checks, by the settings at `config`. As root it becomes the agent's user. Tells each finding, and
/// answers the exit code: 1 if something failed.
[[nodiscard]] int check(const Terminal& terminal, const std::string& config);
[[nodiscard]] int tell(const Terminal& terminal, const std::vector<Finding>& findings);

}  // namespace devkey::ctl
