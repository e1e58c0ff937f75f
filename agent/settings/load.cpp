#include "settings/load.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "settings/devkeyd_yaml.hpp"
#include "settings/policy_yaml.hpp"

namespace devkey::settings {
namespace {

constexpr std::size_t largest_file = 64 * 1024;

DevkeydYaml load_devkeyd(const std::string& path, const ReadText& read, Problems& problems) {
    const auto text = read(path);
    if (!text) problems.add({}, text.error().message);
    const auto root = text ? read_document(*text, problems) : std::nullopt;
    return root ? read_devkeyd_yaml(*root, path, problems) : DevkeydYaml{};
}

/// A policy file that can't be read is a problem of the place that names it.
core::Policy load_named_policy(const std::string& path, Place named_at, const core::Capabilities& service,
                               const ReadText& read, Problems& naming, Problems& problems) {
    const auto text = read(path);
    if (!text) naming.add(named_at, "policy: " + path + ": " + text.error().message);
    const auto root = text ? read_document(*text, problems) : std::nullopt;
    return root ? read_policy_yaml(*root, service, problems) : core::Policy{};
}

/// What devkeyd itself writes would pass for a beat of the program.
void check_heartbeat_file(const core::Settings& settings, const std::string& settings_path,
                          const std::string& policy_path, Problems& problems) {
    const auto& heartbeat = settings.policy.watchdog.heartbeat;
    if (!heartbeat) return;
    const auto plain = [](const std::string& path) {
        return std::filesystem::absolute(path).lexically_normal();
    };
    const std::filesystem::path file{heartbeat->file};
    const bool own = file.parent_path() == settings.state_directory ||
                     file == settings.credential_file.path || file == plain(settings_path) ||
                     file == plain(policy_path);
    if (own)
        problems.add({}, "watchdog.heartbeat.file: " + heartbeat->file +
                             " is devkeyd's own: name a file that the device's program touches");
}

}  // namespace

core::Result<std::string> read_text(const std::string& path) {
    const auto bad = [](const std::string& why) { return core::fail(core::ErrorKind::InvalidInput, why); };
    const auto failed = [&](const char* what) {
        return bad(std::string(what) + ": " + std::generic_category().message(errno));
    };
    // Opening a pipe must not block: no signal would be heard any more.
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) return failed("can't open it");
    const std::unique_ptr<const int, void (*)(const int*)> closer{&file,
                                                                  [](const int* open) { ::close(*open); }};
    struct stat facts{};
    if (::fstat(file, &facts) != 0) return failed("can't look at it");
    if (S_ISDIR(facts.st_mode)) return bad("this is a folder: name the file in it");
    if (!S_ISREG(facts.st_mode)) return bad("this is a pipe or a device: name a regular file");
    std::string text(largest_file + 1, '\0');
    std::size_t size = 0;
    for (ssize_t got = 1; got > 0 && size < text.size(); size += static_cast<std::size_t>(got)) {
        do got = ::read(file, text.data() + size, text.size() - size);
        while (got < 0 && errno == EINTR);
        if (got < 0) return failed("can't read it");
    }
    if (size > largest_file) return bad("larger than 64 KiB: this is no settings file");
    text.resize(size);
    return text;
}

std::expected<core::Settings, std::vector<Problem>> load(const std::string& path,
                                                         const core::Capabilities& service,
                                                         const ReadText& read) {
    Problems problems{path};
    auto devkeyd = load_devkeyd(path, read, problems);
    // An absolute name takes the folder's place.
    const auto policy_path = (std::filesystem::path{path}.parent_path() / devkeyd.policy).string();
    Problems policy_problems{policy_path};
    if (!devkeyd.policy.empty())
        devkeyd.settings.policy =
            load_named_policy(policy_path, devkeyd.policy_place, service, read, problems, policy_problems);
    check_heartbeat_file(devkeyd.settings, path, policy_path, policy_problems);
    auto all = problems.sorted();
    for (auto& problem : policy_problems.sorted()) all.push_back(std::move(problem));
    if (!all.empty()) return std::unexpected(std::move(all));
    return std::move(devkeyd.settings);
}

std::expected<core::Policy, std::vector<Problem>> load_policy(const std::string& path,
                                                              const core::Capabilities& service,
                                                              const ReadText& read) {
    Problems problems{path};
    const auto text = read(path);
    if (!text) problems.add({}, text.error().message);
    const auto root = text ? read_document(*text, problems) : std::nullopt;
    auto policy = root ? read_policy_yaml(*root, service, problems) : core::Policy{};
    if (!problems.empty()) return std::unexpected(problems.sorted());
    return policy;
}

}  // namespace devkey::settings
