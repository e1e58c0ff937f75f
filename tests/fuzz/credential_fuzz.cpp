// The credential file: each format is read back the same by a reader of its own, and no other content passes
// for it.
#include <sys/stat.h>

#include "fuzz.hpp"
#include "json/fields.hpp"
#include "storage/credential_file.hpp"

namespace devkey::fuzz {
namespace {

using core::CredentialFormat;

/// As a POSIX shell and systemd read it.
std::string assigned(std::string_view env, std::string_view name) {
    const auto start = ("\n" + std::string(env)).find("\n" + std::string(name) + "=\"");
    require(start != std::string::npos, "each name is assigned");
    std::string value;
    for (auto at = start + name.size() + 2; at < env.size() && env[at] != '"'; ++at) {
        if (env[at] == '\\') ++at;
        value += env.at(at);
    }
    return value;
}

void require_same(const core::Credential& credential) {
    const auto& [identity, key] = credential;
    const auto json = storage::render(credential, CredentialFormat::Json);
    const auto parsed = json::parse_object(json.reveal());
    json::Fields fields{parsed.object(), ""};
    require(fields.text("key") == key.secret.reveal() && fields.text("key_id") == key.id &&
                fields.text("device") == identity.device && fields.number("generation") == key.generation,
            "JSON reads back the same");
    const auto env = storage::render(credential, CredentialFormat::Env);
    require(assigned(env.reveal(), "DEVKEY_KEY") == key.secret.reveal() &&
                assigned(env.reveal(), "DEVKEY_DEVICE") == identity.device &&
                assigned(env.reveal(), "DEVKEY_KEY_ID") == key.id,
            "assignments read back the same");
    const auto raw = storage::render(credential, CredentialFormat::Raw);
    require(raw.reveal() == std::string(key.secret.reveal()) + "\n", "raw is the secret and a newline");
}

/// Settings and answers have one line of text each: more isn't let in.
std::string line_of(Bytes& bytes) {
    auto line = bytes.ascii();
    for (char& c : line)
        if (c < 0x20 || c == 0x7f) c = ' ';
    return line;
}

}  // namespace
}  // namespace devkey::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace devkey;
    static const fuzz::Folder folder;
    static storage::FileCalls calls;
    fuzz::Bytes bytes{data, size};
    const auto format = static_cast<core::CredentialFormat>(bytes.byte() % 3);
    const core::Identity identity{"https://keys", fuzz::line_of(bytes), "o", fuzz::line_of(bytes)};
    const core::Key key{.id = fuzz::line_of(bytes),
                        .name = fuzz::line_of(bytes),
                        .generation = bytes.number(),
                        .secret = core::Secret{fuzz::line_of(bytes)},
                        .created_at = bytes.instant()};
    const core::Credential credential{identity, key};
    fuzz::require_same(credential);

    auto file = storage::CredentialFile::make(
        {.path = folder.path + "/credential", .format = format, .group = ""}, calls);
    fuzz::require(file.has_value(), "a file in our own folder");
    const auto found = fuzz::text_of(data, size);
    folder.write("credential", found);
    const bool same = storage::render(credential, format).reveal() == found;
    const auto sight = file->look(credential);
    fuzz::require(sight == (same ? core::CredentialSight::Matches : core::CredentialSight::Altered),
                  "no other content passes for the credential");
    return 0;
}
