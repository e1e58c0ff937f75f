#include "storage/credential_text.hpp"

#include <string>

#include "storage/json_text.hpp"

namespace devkey::storage {
namespace {

constexpr std::uint32_t format_version = 1;

/// Enough for any of the forms: names and punctuation, and each character escaped (JSON takes up to six:
/// \u0001).
std::size_t room_for(const core::Credential& credential) {
    const auto& [identity, key] = credential;
    return 1024 + 6 * (identity.service.size() + identity.app.size() + identity.device.size() +
                       key.id.size() + key.name.size() + key.secret.reveal().size());
}

core::Secret render_json(const core::Credential& credential) {
    JsonWriter out{room_for(credential)};
    out.field("version", format_version);
    out.field("service", credential.identity.service);
    out.field("app", credential.identity.app);
    out.field("device", credential.identity.device);
    out.field("key_id", credential.key.id);
    out.field("key_name", credential.key.name);
    out.field("key", credential.key.secret.reveal());
    out.field("generation", credential.key.generation);
    out.field("created_at", core::format_instant(credential.key.created_at));
    return out.finish().value();
}

/// Single quotes keep everything but themselves. A value that holds one goes into double quotes, because
/// systemd doesn't know the shell's '\'' : there both take a backslash before these four.
void assign(std::string& out, std::string_view name, std::string_view value) {
    const bool plain = value.find('\'') == std::string_view::npos;
    const char quote = plain ? '\'' : '"';
    out.append(name).append("=").push_back(quote);
    for (const char c : value) {
        if (!plain && std::string_view{"\"\\$`"}.find(c) != std::string_view::npos) out.push_back('\\');
        out.push_back(c);
    }
    out.push_back(quote);
    out.push_back('\n');
}

core::Secret render_env(const core::Credential& credential) {
    std::string out;
    out.reserve(room_for(credential));  // so that growing leaves no copies behind
    assign(out, "DEVKEY_SERVICE", credential.identity.service);
    assign(out, "DEVKEY_APP", credential.identity.app);
    assign(out, "DEVKEY_DEVICE", credential.identity.device);
    assign(out, "DEVKEY_KEY_ID", credential.key.id);
    assign(out, "DEVKEY_KEY_NAME", credential.key.name);
    assign(out, "DEVKEY_KEY", credential.key.secret.reveal());
    assign(out, "DEVKEY_GENERATION", std::to_string(credential.key.generation));
    assign(out, "DEVKEY_CREATED_AT", core::format_instant(credential.key.created_at));
    return core::Secret::take(out);
}

core::Secret render_raw(const core::Credential& credential) {
    std::string out;
    out.reserve(credential.key.secret.reveal().size() + 1);
    out.append(credential.key.secret.reveal()).push_back('\n');
    return core::Secret::take(out);
}

}  // namespace

core::Secret render(const core::Credential& credential, core::CredentialFormat format) {
    switch (format) {
        case core::CredentialFormat::Json:
            return render_json(credential);
        case core::CredentialFormat::Env:
            return render_env(credential);
        case core::CredentialFormat::Raw:
            break;
    }
    return render_raw(credential);
}

}  // namespace devkey::storage
