// The checks on this machine.
#include <Poco/String.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>
#include <system_error>

#include "devkeyctl/check.hpp"

namespace devkey::ctl {
namespace {

// All that the agent writes fits into one of them.
constexpr std::uint64_t too_little = 1U << 20U;
constexpr std::uint64_t little = 16U << 20U;
constexpr std::uint64_t few_files = 16;

Finding check_agent(const Patient& patient) {
    const auto runs = patient.agent();
    if (runs) return {.name = "agent", .detail = *runs};
    auto finding = failed("agent", runs.error(), "systemctl start devkeyd");
    finding.grade = Grade::Warning;
    return finding;
}

std::vector<Finding> check_files(const Patient& patient) {
    std::vector<Finding> found;
    for (const auto& error : patient.unusable)
        found.push_back(failed("files", error, "mend that setting, or what it names"));
    if (found.empty()) found.push_back({.name = "files", .detail = "all that the settings name can be used"});
    return found;
}

Finding check_state(const Patient& patient) {
    if (!patient.state)
        return failed("state", patient.state.error(), "restore state.json from a backup of this device");
    if (!*patient.state)
        return {.name = "state",
                .grade = Grade::Warning,
                .detail = "there is none: the agent hasn't made a key here yet",
                .remedy = "systemctl start devkeyd"};
    return {.name = "state", .detail = patient.settings.state_directory + "/state.json can be read"};
}

Finding check_disk(const Patient& patient, const std::string& directory) {
    const auto room = patient.room_in(directory);
    if (!room) return failed("disk", room.error(), "mount it, or name another directory");
    if (room->read_only)
        return {.name = "disk",
                .grade = Grade::Failed,
                .detail = directory + " is on a file system that is read-only",
                .remedy = "mount it for writing, or name another directory"};
    const auto detail =
        fmt::format("{} has {} MiB and {} files free", directory, room->bytes >> 20U, room->files);
    if (room->bytes >= little && room->files >= few_files) return {.name = "disk", .detail = detail};
    const bool full = room->bytes < too_little || room->files == 0;
    return {.name = "disk",
            .grade = full ? Grade::Failed : Grade::Warning,
            .detail = detail,
            .remedy =
                "remove what isn't needed there: the agent can't change a key while it can't save its state"};
}

/// Why the sandbox of the shipped unit refuses it; empty: it doesn't.
std::string fault_of_hook(const std::string& program) {
    for (const auto* closed : {"/home/", "/root/", "/run/user/"})
        if (program.starts_with(closed)) return "is out of the unit's reach (ProtectHome=)";
    for (const auto* closed : {"/tmp/", "/var/tmp/"})
        if (program.starts_with(closed)) return "is out of the unit's reach (PrivateTmp=)";
    struct stat facts{};
    if (!program.starts_with('/')) return "is not an absolute path";
    if (::stat(program.c_str(), &facts) != 0) return std::strerror(errno);
    if (!S_ISREG(facts.st_mode)) return "is not a file";
    if ((facts.st_mode & S_IWOTH) != 0) return "can be changed by anybody";
    if ((facts.st_mode & (S_ISUID | S_ISGID)) != 0)
        return "is set-user-id or set-group-id, which has no effect there (NoNewPrivileges=)";
    if (::access(program.c_str(), X_OK) != 0) return std::strerror(errno);
    return {};
}

std::vector<std::vector<std::string>> programs_of(const core::HooksPolicy& hooks) {
    std::vector<std::vector<std::string>> programs;
    for (const auto* hook : {&hooks.after_publish, &hooks.before_disable, &hooks.on_failure})
        if (*hook) programs.push_back((*hook)->run);
    return programs;
}

/// A line `LoadCredential=NAME:FILE`, or of its kin.
struct Load {
    std::string setting;
    std::string file;  ///< empty: the unit has the credential itself (SetCredential=), where no file is
};

/// Which line of a unit loads this credential: the last one, after the last that is empty, which undoes all.
std::optional<Load> load_of(const std::string& credential, const std::string& unit) {
    std::optional<Load> found;
    std::istringstream lines{unit};
    for (std::string line; std::getline(lines, line);) {
        const auto equals = std::min(line.find('='), line.size());
        const auto setting = Poco::trim(line.substr(0, equals));
        const auto value = Poco::trim(line.substr(std::min(line.size(), equals + 1)));
        if (setting.starts_with("SetCredential") && value.starts_with(credential + ":"))
            return Load{.setting = setting, .file = {}};
        if (setting != "LoadCredential" && setting != "LoadCredentialEncrypted") continue;
        if (value.empty()) found.reset();
        if (value == credential || value.starts_with(credential + ":"))
            found = {.setting = setting,
                     .file = value.substr(value == credential ? 0 : credential.size() + 1)};
    }
    return found;
}

}  // namespace

Finding check_secret(const std::string& credential, const core::Result<std::string>& unit) {
    if (!unit)
        return skipped("secret", fmt::format("systemd doesn't tell from which file the unit loads {}: {}",
                                             credential, unit.error().message));
    const auto load = load_of(credential, *unit);
    if (!load)
        return {.name = "secret",
                .grade = Grade::Warning,
                .detail = fmt::format("the unit has no LoadCredential={}:FILE", credential),
                .remedy = "systemctl edit devkeyd, or name another source: owner.secret"};
    if (load->file.empty()) return skipped("secret", "the unit has it itself: " + load->setting + "=");
    const auto named = fmt::format("{} ({}= of the unit)", load->file, load->setting);
    if (!load->file.starts_with('/') || load->file.contains('%'))
        return skipped("secret", named + ": where that is, only systemd knows");
    std::error_code error;
    const auto type = std::filesystem::status(load->file, error).type();
    if (type == std::filesystem::file_type::not_found)
        return {.name = "secret",
                .grade = Grade::Failed,
                .detail = named + " is not there: the unit fails with status=243/CREDENTIALS",
                .remedy = "put the owner's secret there, or name another file: systemctl edit devkeyd"};
    if (type == std::filesystem::file_type::none) return skipped("secret", named + ": " + error.message());
    return {.name = "secret", .detail = named + " is there"};
}

Finding check_hooks(const std::vector<std::vector<std::string>>& programs) {
    if (programs.empty()) return skipped("hooks", "the policy has none");
    for (const auto& words : programs) {
        const auto program = words.empty() ? std::string{} : words.front();
        if (const auto fault = fault_of_hook(program); !fault.empty())
            return {.name = "hooks",
                    .grade = Grade::Failed,
                    .detail = fmt::format("{} {}", program, fault),
                    .remedy = "put it under /usr/libexec or /opt, mode 0755, or loosen the unit"};
    }
    return {.name = "hooks", .detail = fmt::format("{} can be run", programs.size())};
}

std::vector<Finding> examine_machine(const Patient& patient) {
    std::vector<Finding> found{check_agent(patient)};
    for (auto& finding : check_files(patient)) found.push_back(std::move(finding));
    found.push_back(check_state(patient));
    const auto& settings = patient.settings;
    const auto credential = std::filesystem::path(settings.credential_file.path).parent_path().string();
    found.push_back(check_disk(patient, settings.state_directory));
    if (credential != settings.state_directory) found.push_back(check_disk(patient, credential));
    found.push_back(check_hooks(programs_of(settings.policy.hooks)));
    return found;
}

}  // namespace devkey::ctl
