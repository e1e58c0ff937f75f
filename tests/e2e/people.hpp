// What people do at the service by its own protocol: the owner with his keys, and whoever has a key's secret.
#pragma once

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "server/program.hpp"

namespace devkey::e2e {

/// A key as the service lists it to its owner.
struct ListedKey {
    std::string id;
    std::string name;
    bool enabled = false;
};

/// Whether one logs in with the secret, at the service on this port.
inline bool logs_in(std::uint16_t port, const std::string& ca_file, const std::string& secret) {
    return server::TlsClient(port, ca_file)
               .call("POST", "/app/devices/auth/providers/api-key/login", R"({"key":")" + secret + R"("})")
               .status == 200;
}

/// The owner, logged in. Throws when the service refuses what a test takes for granted.
class OwnerSession {
 public:
    OwnerSession(std::uint16_t port, const std::string& ca_file, const std::string& user,
                 const std::string& secret)
        : client_(port, ca_file),
          token_(client_
                     .call("POST", "/app/devices/auth/providers/local-userpass/login",
                           R"({"username":")" + user + R"(","password":")" + secret + R"("})")
                     .field("refresh_token")) {}

    [[nodiscard]] std::vector<ListedKey> keys() {
        const auto listed = Poco::JSON::Parser().parse(call("GET", "")).extract<Poco::JSON::Array::Ptr>();
        std::vector<ListedKey> keys;
        for (unsigned at = 0; at < listed->size(); ++at) {
            const auto key = listed->getObject(at);
            keys.push_back({key->getValue<std::string>("_id"), key->getValue<std::string>("name"),
                            !key->getValue<bool>("disabled")});
        }
        return keys;
    }
    void enable(const std::string& id) { call("PUT", "/" + id + "/enable"); }
    void disable(const std::string& id) { call("PUT", "/" + id + "/disable"); }
    void remove(const std::string& id) { call("DELETE", "/" + id); }

 private:
    std::string call(const std::string& method, const std::string& path) {
        auto answer = client_.call(method, "/auth/api_keys" + path, "", token_);
        if (answer.status / 100 != 2)
            throw std::runtime_error("the owner's " + method + " was answered " +
                                     std::to_string(answer.status) + ": " + answer.body);
        return std::move(answer.body);
    }

    server::TlsClient client_;
    std::string token_;
};

}  // namespace devkey::e2e
