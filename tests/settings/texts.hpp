// Settings files for the tests, and a disk that holds nothing else.
#pragma once

#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "settings/load.hpp"

namespace devkey::settings {

/// The least that is valid.
inline const std::string least = R"(version: 1
service:
  kind: app-services
  url: https://keys.example.com
  app: devices
owner:
  provider: local-userpass
  username: site-7@example.com
  secret: {credential: owner-secret}
)";

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("no '" + from + "'");
    return text.replace(at, from.size(), to);
}

inline ReadText texts(std::map<std::string, std::string> files) {
    return [files = std::move(files)](const std::string& path) -> core::Result<std::string> {
        const auto found = files.find(path);
        if (found == files.end()) return core::fail(core::ErrorKind::InvalidInput, "can't open it");
        return found->second;
    };
}

inline std::expected<core::Settings, std::vector<Problem>> load_text(const std::string& text) {
    return load("/c/devkeyd.yaml", core::Capabilities{}, texts({{"/c/devkeyd.yaml", text}}));
}

inline std::expected<core::Settings, std::vector<Problem>> load_policy_text(const std::string& text) {
    return load("/c/devkeyd.yaml", core::Capabilities{},
                texts({{"/c/devkeyd.yaml", least + "policy: policy.yaml\n"}, {"/c/policy.yaml", text}}));
}

/// The problems as they are printed, without the folder.
inline std::vector<std::string> lines_of(const std::expected<core::Settings, std::vector<Problem>>& loaded) {
    std::vector<std::string> lines;
    if (loaded) return lines;
    for (const auto& problem : loaded.error())
        lines.push_back(format(problem).substr(std::string{"/c/"}.size()));
    return lines;
}

inline std::string shipped(const std::string& name) {
    std::ifstream in{std::string{DEVKEY_SOURCE_DIR "/config/"} + name, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace devkey::settings
