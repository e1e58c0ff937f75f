// The real devkey-server, over TLS, and what it answers to its owners.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "e2e/people.hpp"
#include "fakes/certificates.hpp"
#include "fakes/temporary_directory.hpp"
#include "server/crypto.hpp"
#include "server/program.hpp"
#include "server/store.hpp"

namespace devkey::e2e {

class RealService {
 public:
    RealService() {
        if (!store_->add_app(app_)) throw std::runtime_error("no app");
        const auto certificate = authority.issue("127.0.0.1");
        program_ = std::make_unique<server::Program>(
            db_, std::vector<std::string>{"serve", "--listen", "127.0.0.1:0", "--tls-cert", certificate.cert,
                                          "--tls-key", certificate.key});
        port_ = program_->port();
        if (port_ == 0) throw std::runtime_error("devkey-server doesn't listen: " + program_->errors());
    }

    /// A line for each request that it has answered.
    [[nodiscard]] std::string log() const { return program_->errors(); }
    [[nodiscard]] std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }

    /// A new owner's user name; they all have this password.
    std::string add_owner() {
        const auto name = "owner-" + std::to_string(++owners_);
        if (!store_->add_user({name, app_, "local-userpass", name, password_hash_}))
            throw std::runtime_error("no owner");
        return name;
    }
    /// As the service answers the owner who asks for them.
    [[nodiscard]] std::vector<ListedKey> keys(const std::string& user) const {
        return OwnerSession(port_, authority.ca_file(), user, password).keys();
    }
    /// Whether one logs in with it.
    [[nodiscard]] bool takes(const std::string& secret) const {
        return logs_in(port_, authority.ca_file(), secret);
    }

    const std::string password = "correct horse 7";
    fakes::TemporaryDirectory directory;
    fakes::Authority authority{directory.path};

 private:
    const std::string app_ = "devices";
    const std::string db_ = directory.file("db");
    std::unique_ptr<server::Store> store_ = server::Store::open(db_, false).value();
    std::string password_hash_ = server::hash_password(core::Secret{password});
    std::unique_ptr<server::Program> program_;
    std::uint16_t port_ = 0;
    int owners_ = 0;
};

}  // namespace devkey::e2e
