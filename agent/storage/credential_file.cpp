#include "storage/credential_file.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "storage/credential_text.hpp"
#include "storage/file_error.hpp"
#include "storage/read_file.hpp"

namespace devkey::storage {
namespace {

using core::CredentialSight;
using core::ErrorKind;

core::Result<gid_t> find_group(const std::string& name) {
    struct group entry{};
    struct group* found = nullptr;
    std::vector<char> memory(1024);
    int error = 0;
    // A group with many members needs more: the call says so.
    while ((error = ::getgrnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found)) == ERANGE)
        memory.resize(memory.size() * 2);
    if (found != nullptr) return entry.gr_gid;
    if (error != 0 && error != ENOENT) return file_error(error, name, "look up this group");
    return core::fail(
        ErrorKind::InvalidInput,
        fmt::format("credential_file.group: there is no group '{}'; create it (groupadd --system "
                    "{}), or leave the setting out",
                    name, name));
}

bool in_group(gid_t group) {
    if (::geteuid() == 0 || ::getegid() == group) return true;
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
    const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
    groups.resize(static_cast<std::size_t>(std::max(0, count)));
    return std::ranges::find(groups, group) != groups.end();
}

core::Result<gid_t> resolve_group(const std::string& name) {
    if (name.empty()) return ::getegid();
    const auto group = find_group(name);
    if (!group || in_group(*group)) return group;
    return core::fail(
        ErrorKind::InvalidInput,
        fmt::format("credential_file.group: devkeyd isn't in group '{}', so it can't give a file "
                    "to it; add SupplementaryGroups={} to its unit",
                    name, name));
}

}  // namespace

core::Result<CredentialFile> CredentialFile::make(core::CredentialFileSettings settings, FileCalls& calls) {
    const auto group = resolve_group(settings.group);
    if (!group) return std::unexpected(group.error());
    const Protection protection{.mode = settings.mode, .group = *group};
    return CredentialFile{std::move(settings), protection, calls};
}

CredentialFile::CredentialFile(core::CredentialFileSettings settings, Protection protection, FileCalls& calls)
    : settings_(std::move(settings)), protection_(protection), calls_(calls) {}

core::Result<CredentialSight> CredentialFile::look(const core::Credential& credential) {
    remove_leftover(settings_.path, calls_);
    const auto wanted = render(credential, settings_.format);
    const auto file = open_file(settings_.path, calls_);
    if (!file && file.error().kind == ErrorKind::NotFound) return CredentialSight::Missing;
    // No regular file, or one that we may not read, isn't as we left it. If the folder is what keeps us out,
    // publish says so.
    if (!file && file.error().kind != ErrorKind::Io) return CredentialSight::Altered;
    if (!file) return std::unexpected(file.error());
    const auto content = read_all(*file, wanted.reveal().size(), calls_);
    if (!content && content.error().kind == ErrorKind::Corrupt) return CredentialSight::Altered;
    if (!content) return std::unexpected(content.error());
    if (*content != wanted) return CredentialSight::Altered;
    const bool tight =
        file->mode == protection_.mode && file->group == protection_.group && file->owner == ::geteuid();
    return tight ? CredentialSight::Matches : CredentialSight::Loosened;
}

core::Result<void> CredentialFile::publish(const core::Credential& credential) {
    const auto content = render(credential, settings_.format);
    return write_file(settings_.path, content.reveal(), protection_, calls_);
}

}  // namespace devkey::storage
