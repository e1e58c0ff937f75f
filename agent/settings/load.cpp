#include "settings/load.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
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
core::Policy load_policy(const std::string& path, Place named_at, const core::Capabilities& service,
                         const ReadText& read, Problems& naming, Problems& problems) {
    const auto text = read(path);
    if (!text) naming.add(named_at, "policy: " + path + ": " + text.error().message);
    const auto root = text ? read_document(*text, problems) : std::nullopt;
    return root ? read_policy_yaml(*root, service, problems) : core::Policy{};
}

}  // namespace

core::Result<std::string> read_text(const std::string& path) {
    const auto bad = [](const std::string& why) { return core::fail(core::ErrorKind::InvalidInput, why); };
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) return bad("this is a folder: name the file in it");
    errno = 0;
    std::ifstream in{path, std::ios::binary};
    if (!in) return bad("can't open it: " + std::generic_category().message(errno));
    std::string text(largest_file + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad()) return bad("can't read it: " + std::generic_category().message(errno));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > largest_file) return bad("larger than 64 KiB: this is no settings file");
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
            load_policy(policy_path, devkeyd.policy_place, service, read, problems, policy_problems);
    auto all = problems.sorted();
    for (auto& problem : policy_problems.sorted()) all.push_back(std::move(problem));
    if (!all.empty()) return std::unexpected(std::move(all));
    return std::move(devkeyd.settings);
}

}  // namespace devkey::settings
