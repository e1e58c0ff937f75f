#include "host/owner_secret.hpp"

#include <utility>
#include <variant>

#include "host/read_file.hpp"
#include "host/run_command.hpp"

namespace devkey::host {
namespace {

using core::ErrorKind;

class SecretFromSource final : public ports::OwnerSecret {
 public:
    SecretFromSource(core::SecretSource source, std::string directory, int stop)
        : source_(std::move(source)), directory_(std::move(directory)), stop_(stop) {}

    core::Result<core::Secret> read() override {
        auto secret = read_source();
        if (!secret)
            return std::unexpected(core::with_context("the owner's secret", std::move(secret.error())));
        return secret;
    }

 private:
    [[nodiscard]] core::Result<core::Secret> read_source() const {
        if (const auto* command = std::get_if<core::FromCommand>(&source_))
            return run_command(*command, stop_);
        const auto path = path_of(source_, directory_);
        if (path) return read_file(*path, Privacy::OwnerSecret);
        return core::fail(ErrorKind::NotFound,
                          "$CREDENTIALS_DIRECTORY is not set: `credential` works under systemd only, with "
                          "LoadCredential= in the unit; elsewhere use `file` or `command`");
    }

    core::SecretSource source_;
    std::string directory_;
    int stop_;
};

}  // namespace

std::unique_ptr<ports::OwnerSecret> make_owner_secret(core::SecretSource source,
                                                      std::string credentials_directory, int stop) {
    return std::make_unique<SecretFromSource>(std::move(source), std::move(credentials_directory), stop);
}

std::optional<std::string> path_of(const core::SecretSource& source,
                                   const std::string& credentials_directory) {
    if (const auto* file = std::get_if<core::FromFile>(&source)) return file->path;
    const auto* credential = std::get_if<core::FromCredential>(&source);
    if (credential == nullptr || credentials_directory.empty()) return std::nullopt;
    return credentials_directory + "/" + credential->name;
}

core::Result<void> check_owner_secret(const core::SecretSource& source,
                                      const std::string& credentials_directory) {
    if (!path_of(source, credentials_directory)) return {};
    const auto secret = make_owner_secret(source, credentials_directory, -1)->read();
    if (secret) return {};
    const bool file = std::holds_alternative<core::FromFile>(source);
    return std::unexpected(
        core::with_context(file ? "owner.secret.file" : "owner.secret.credential", secret.error()));
}

}  // namespace devkey::host
