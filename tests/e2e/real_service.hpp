// The real devkey-server, over TLS, and what it answers to its owners.
#pragma once

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "fakes/certificates.hpp"
#include "fakes/temporary_directory.hpp"
#include "server/crypto.hpp"
#include "server/program.hpp"
#include "server/store.hpp"

namespace devkey::e2e {

class RealService {
 public:
    struct Key {
        std::string id;
        std::string name;
    };

    RealService() {
        if (!store_->add_app(app_)) throw std::runtime_error("no app");
        const auto certificate = authority.issue("127.0.0.1");
        program_ = std::make_unique<server::Program>(
            db_, std::vector<std::string>{"serve", "--listen", "127.0.0.1:0", "--tls-cert", certificate.cert,
                                          "--tls-key", certificate.key});
        port_ = program_->port();
        if (port_ == 0) throw std::runtime_error("devkey-server doesn't listen: " + program_->errors());
    }

    [[nodiscard]] std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }

    /// A new owner's user name; they all have this password.
    std::string add_owner() {
        const auto name = "owner-" + std::to_string(++owners_);
        if (!store_->add_user({name, app_, "local-userpass", name, password_hash_}))
            throw std::runtime_error("no owner");
        return name;
    }
    /// As the service answers the owner who asks for them.
    [[nodiscard]] std::vector<Key> keys(const std::string& owner) const {
        auto client = connect();
        const auto token = client
                               .call("POST", log_in_path("local-userpass"),
                                     R"({"username":")" + owner + R"(","password":")" + password + R"("})")
                               .field("refresh_token");
        const auto answer = client.call("GET", "/auth/api_keys", "", token);
        if (answer.status != 200) throw std::runtime_error("the owner gets no list: " + answer.body);
        const auto listed = Poco::JSON::Parser().parse(answer.body).extract<Poco::JSON::Array::Ptr>();
        std::vector<Key> keys;
        for (unsigned at = 0; at < listed->size(); ++at) {
            const auto key = listed->getObject(at);
            keys.push_back({key->getValue<std::string>("_id"), key->getValue<std::string>("name")});
        }
        return keys;
    }
    /// Whether one logs in with it.
    [[nodiscard]] bool takes(const std::string& secret) const {
        return connect().call("POST", log_in_path("api-key"), R"({"key":")" + secret + R"("})").status == 200;
    }

    const std::string password = "correct horse 7";
    fakes::TemporaryDirectory directory;
    fakes::Authority authority{directory.path};

 private:
    [[nodiscard]] server::TlsClient connect() const { return {port_, authority.ca_file()}; }
    [[nodiscard]] std::string log_in_path(const std::string& provider) const {
        return "/app/" + app_ + "/auth/providers/" + provider + "/login";
    }

    const std::string app_ = "devices";
    const std::string db_ = directory.file("db");
    std::unique_ptr<server::Store> store_ = server::Store::open(db_, false).value();
    std::string password_hash_ = server::hash_password(core::Secret{password});
    std::unique_ptr<server::Program> program_;
    std::uint16_t port_ = 0;
    int owners_ = 0;
};

}  // namespace devkey::e2e
