// Settings from disk: devkeyd.yaml and the policy file it names.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/settings.hpp"
#include "settings/problem.hpp"

namespace devkey::settings {

/// Gives the whole text of a file; an error's message says why not, without its path.
using ReadText = std::function<core::Result<std::string>(const std::string& path)>;

/// Reads a regular file of at most 64 KiB. InvalidInput otherwise. Doesn't wait for pipes and the like.
[[nodiscard]] core::Result<std::string> read_text(const std::string& path);

/// Reads devkeyd.yaml at `path` and the policy file it names (relative to its folder), and checks everything,
/// also against what the service can do. Answers all problems of both files at once, each file's in the order
/// of their places; never throws for what stands in them.
[[nodiscard]] std::expected<core::Settings, std::vector<Problem>> load(const std::string& path,
                                                                       const core::Capabilities& service,
                                                                       const ReadText& read = read_text);

/// Reads a policy file by itself, and checks it likewise.
[[nodiscard]] std::expected<core::Policy, std::vector<Problem>> load_policy(const std::string& path,
                                                                            const core::Capabilities& service,
                                                                            const ReadText& read = read_text);

}  // namespace devkey::settings
