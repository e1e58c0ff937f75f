#include "devkeyctl/check.hpp"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <limits>
#include <sstream>
#include <utility>
#include <variant>

#include "core/text.hpp"
#include "devkeyctl/become.hpp"
#include "devkeyctl/exit_codes.hpp"
#include "devkeyctl/from_disk.hpp"
#include "devkeyctl/render.hpp"
#include "host/hardening.hpp"
#include "host/owner_secret.hpp"
#include "host/run_command.hpp"
#include "host/system_clock.hpp"
#include "services/app_services.hpp"
#include "services/probe.hpp"
#include "storage/state_file.hpp"
#include "wiring.hpp"

namespace devkey::ctl {

using core::ErrorKind;
using core::Result;
using Poco::JSON::Object;

namespace {

constexpr std::array needs_settings{"agent", "files",  "state", "disk",  "hooks", "name",
                                    "tls",   "log-in", "key",   "quota", "clock"};

Result<Room> room_in(const std::string& directory) {
    std::filesystem::path path{directory};
    std::error_code ignored;
    // What isn't there yet is made by the agent.
    while (!std::filesystem::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
    struct statvfs facts{};
    if (::statvfs(path.c_str(), &facts) != 0)
        return core::fail(ErrorKind::Io, directory + ": " + std::strerror(errno));
    // Some file systems don't count their files.
    const bool counts = facts.f_files > 0;
    return Room{.bytes = static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize,
                .files = counts ? facts.f_favail : std::numeric_limits<std::uint32_t>::max(),
                .read_only = (facts.f_flag & ST_RDONLY) != 0};
}

Result<std::string> agent_in_words(const Terminal& terminal) {
    auto line = terminal.ask({.verb = control::Verb::Status});
    if (!line) return std::unexpected(std::move(line.error()));
    const auto answer = parse_answer(*std::move(line));
    if (!answer) return std::unexpected(answer.error());
    if (answer->kind != "status") return core::fail(ErrorKind::Forbidden, answer->detail);
    return "it runs, and tells: " + answer->health + " (" + answer->reason + ")";
}

Finding check_settings(const std::string& config) {
    // The agent reads them, too.
    if (::access(config.c_str(), R_OK) != 0)
        return failed("settings", {ErrorKind::Forbidden, config + " can't be read by the agent's user"},
                      "chgrp it to that user's group, and chmod it to 0640");
    return {.name = "settings", .detail = config};
}

std::vector<Finding> without_settings(const core::Error& error) {
    std::vector<Finding> found{failed("settings", error, "mend what it names, and look again")};
    for (const auto* name : needs_settings) found.push_back(skipped(name, "that needs the settings"));
    return found;
}

std::vector<Finding> examine(const Terminal& terminal, const core::Settings& settings) {
    const char* credentials = ::getenv("CREDENTIALS_DIRECTORY");
    const std::string directory = credentials == nullptr ? "" : credentials;
    const host::SystemClock clock;
    services::Interrupter interrupter;
    const auto secret = host::make_owner_secret(settings.owner.secret, directory, -1);
    const auto service =
        services::make_app_services(settings.service, settings.owner, *secret, clock, interrupter);
    if (!service) return {failed("name", service.error(), "mend service.url")};
    const Patient patient{
        .settings = settings,
        .state = storage::look_at_state(settings.state_directory),
        .unusable = unusable_here(settings, directory),
        .credentials_directory = directory,
        .service = **service,
        .clock = clock,
        .agent = [&] { return agent_in_words(terminal); },
        .look_up = [&] { return services::look_up(settings.service, interrupter); },
        .certificate_end =
            [&] { return services::certificate_end(settings.service, clock.now(), interrupter); },
        .room_in = room_in};
    auto found = examine_machine(patient);
    for (auto& finding : examine_service(patient)) found.push_back(std::move(finding));
    return found;
}

Result<std::string> unit_text() {
    using namespace std::chrono_literals;
    const auto text =
        host::run_command({.run = {"/usr/bin/systemctl", "cat", "devkeyd"}, .timeout = 10s}, -1);
    if (!text) return std::unexpected(text.error());
    return std::string(text->reveal());
}

std::string json_of(const std::vector<Finding>& findings) {
    const auto count = [&](Grade grade) { return std::ranges::count(findings, grade, &Finding::grade); };
    Poco::JSON::Array::Ptr checks{new Poco::JSON::Array};
    for (const auto& finding : findings) {
        Object::Ptr one{new Object{Poco::JSON_PRESERVE_KEY_ORDER}};
        one->set("name", finding.name);
        one->set("result", std::string(name_of(finding.grade)));
        if (!finding.detail.empty()) one->set("detail", finding.detail);
        if (!finding.remedy.empty()) one->set("remedy", finding.remedy);
        checks->add(one);
    }
    Object json{Poco::JSON_PRESERVE_KEY_ORDER};
    json.set("version", 1);
    json.set("answer", "check");
    json.set("failed", static_cast<int>(count(Grade::Failed)));
    json.set("warnings", static_cast<int>(count(Grade::Warning)));
    json.set("checks", checks);
    std::ostringstream text;
    json.stringify(text);
    return text.str();
}

std::string words_of(const Finding& finding, bool color) {
    const std::array colors{32, 33, 31, 0};
    const auto grade = fmt::format("{:<8}", name_of(finding.grade));
    auto words =
        color ? fmt::format("\x1b[{}m{}\x1b[0m", colors.at(static_cast<std::size_t>(finding.grade)), grade)
              : grade;
    words += fmt::format(" {:<9} {}", finding.name, core::escaped(finding.detail));
    if (!finding.remedy.empty()) words += fmt::format("\n{:>19}-> {}", "", core::escaped(finding.remedy));
    return words;
}

}  // namespace

std::string_view name_of(Grade grade) {
    constexpr std::array names{"ok", "warning", "failed", "skipped"};
    return names.at(static_cast<std::size_t>(grade));
}

Finding failed(std::string name, const core::Error& error, std::string remedy) {
    const auto end = error.message.find("; ");
    const bool told = end != std::string::npos;
    return {.name = std::move(name),
            .grade = Grade::Failed,
            .detail = error.message.substr(0, end),
            .remedy = told ? error.message.substr(end + 2) : std::move(remedy)};
}

Finding skipped(std::string name, std::string why) {
    return {.name = std::move(name), .grade = Grade::Skipped, .detail = std::move(why)};
}

int tell(const Terminal& terminal, const std::vector<Finding>& findings) {
    if (terminal.json)
        terminal.out(json_of(findings));
    else
        for (const auto& finding : findings) terminal.out(words_of(finding, terminal.color));
    const auto bad = std::ranges::find(findings, Grade::Failed, &Finding::grade);
    return bad == findings.end() ? exit_done : exit_failed_check;
}

int check(const Terminal& terminal, const std::string& config) {
    const auto settings = load_settings(config);
    if (!settings) return tell(terminal, without_settings(settings.error()));
    // What is read has secrets in it.
    if (const auto hardened = host::harden(); !hardened)
        return tell(terminal, {failed("user", hardened.error(), "run it as root, or as devkeyd's user")});
    std::vector<Finding> found;
    // As root, who may look everywhere. In the unit it is one of the files.
    const auto* credential = std::get_if<core::FromCredential>(&settings->owner.secret);
    if (credential != nullptr && ::getenv("CREDENTIALS_DIRECTORY") == nullptr)
        found.push_back(check_secret(credential->name, unit_text()));
    if (const auto became = become_owner_of(settings->state_directory); !became)
        found.push_back(failed("user", became.error(), "run it as that user"));
    found.push_back(check_settings(config));
    for (auto& finding : examine(terminal, *settings)) found.push_back(std::move(finding));
    return tell(terminal, found);
}

}  // namespace devkey::ctl
