#include "storage/credential_file.hpp"

#include <Poco/JSON/Object.h>
#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "json/fields.hpp"
#include "storage/wiped_text.hpp"

namespace devkey::storage {

using core::Credential;
using core::CredentialFormat;
using core::CredentialSight;
using core::ErrorKind;

namespace {

void render_json(const Credential& credential, std::ostream& out) {
    Poco::JSON::Object::Ptr json = new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
    const json::WipedJson wiped{json};
    json->set("version", 1);
    json->set("service", credential.identity.service);
    json->set("app", credential.identity.app);
    json->set("device", credential.identity.device);
    json->set("key_id", credential.key.id);
    json->set("key_name", credential.key.name);
    json::set_secret(*json, "key", credential.key.secret);
    json->set("generation", credential.key.generation);
    json->set("created_at", core::format_instant(credential.key.created_at));
    json->stringify(out, 2);
    out << '\n';
}

/// In double quotes both a POSIX shell and systemd take exactly these four with a backslash.
void assign(std::ostream& out, std::string_view name, std::string_view value) {
    out << name << "=\"";
    for (const char c : value) {
        if (c == '"' || c == '\\' || c == '$' || c == '`') out << '\\';
        out << c;
    }
    out << "\"\n";
}

void render_env(const Credential& credential, std::ostream& out) {
    const auto& [identity, key] = credential;
    assign(out, "DEVKEY_SERVICE", identity.service);
    assign(out, "DEVKEY_APP", identity.app);
    assign(out, "DEVKEY_DEVICE", identity.device);
    assign(out, "DEVKEY_KEY_ID", key.id);
    assign(out, "DEVKEY_KEY_NAME", key.name);
    assign(out, "DEVKEY_KEY", key.secret.reveal());
    assign(out, "DEVKEY_GENERATION", std::to_string(key.generation));
    assign(out, "DEVKEY_CREATED_AT", core::format_instant(key.created_at));
}

std::optional<gid_t> find_group(const std::string& name) {
    std::vector<char> buffer(1U << 16U);
    group entry{};
    group* found = nullptr;
    if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        return std::nullopt;
    return entry.gr_gid;
}

bool may_give_to(gid_t group) {
    if (::geteuid() == 0 || ::getegid() == group) return true;
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
    const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
    groups.resize(static_cast<std::size_t>(std::max(0, count)));
    return std::ranges::find(groups, group) != groups.end();
}

}  // namespace

core::Secret render(const Credential& credential, CredentialFormat format) {
    WipedText text;
    switch (format) {
        case CredentialFormat::Json:
            render_json(credential, text.out());
            break;
        case CredentialFormat::Env:
            render_env(credential, text.out());
            break;
        case CredentialFormat::Raw:
            text.out() << credential.key.secret.reveal() << '\n';
            break;
    }
    return text.take();
}

core::Result<CredentialFile> CredentialFile::make(core::CredentialFileSettings settings, FileCalls& calls) {
    // Set it in any case: in a directory with the set-group-id bit a new file takes the directory's.
    if (settings.group.empty()) return CredentialFile{std::move(settings), ::getegid(), calls};
    const auto group = find_group(settings.group);
    if (!group)
        return core::fail(ErrorKind::InvalidInput, "credential_file.group: there is no group '" +
                                                       settings.group +
                                                       "' on this machine; create it or name another");
    if (!may_give_to(*group))
        return core::fail(ErrorKind::InvalidInput,
                          "credential_file.group: devkeyd is not a member of '" + settings.group +
                              "'; add it (SupplementaryGroups= in the unit) or name another");
    return CredentialFile{std::move(settings), *group, calls};
}

CredentialFile::CredentialFile(core::CredentialFileSettings settings, gid_t group, FileCalls& calls)
    : settings_(std::move(settings)), group_(group), calls_(calls) {}

core::Result<CredentialSight> CredentialFile::look(const Credential& credential) {
    remove_leftover(settings_.path);
    const auto wanted = render(credential, settings_.format);
    const auto found = read_file(settings_.path, wanted.reveal().size());
    if (!found) {
        switch (found.error().kind) {
            case ErrorKind::NotFound:
                return CredentialSight::Missing;
            case ErrorKind::Corrupt:   // longer than it should be
            case ErrorKind::Insecure:  // a symlink, a device, …: ours is a regular file
                return CredentialSight::Altered;
            case ErrorKind::Forbidden:
                return CredentialSight::Loosened;  // our own bits are gone
            default:
                return std::unexpected(found.error());
        }
    }
    if (found->content != wanted) return CredentialSight::Altered;
    const bool as_set =
        found->mode == settings_.mode && found->owner == ::geteuid() && found->group == group_;
    return as_set ? CredentialSight::Matches : CredentialSight::Loosened;
}

core::Result<void> CredentialFile::publish(const Credential& credential) {
    const auto text = render(credential, settings_.format);
    return write_file(calls_, settings_.path, text.reveal(), {.mode = settings_.mode, .group = group_});
}

core::Result<void> CredentialFile::remove() {
    return remove_file(calls_, settings_.path);
}

}  // namespace devkey::storage
