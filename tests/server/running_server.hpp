// A server in process on a free port of loopback, with one app and one user, and faults to set.
#pragma once

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client.hpp"
#include "fakes/faults.hpp"
#include "fakes/temporary_directory.hpp"
#include "server/crypto.hpp"
#include "server/server.hpp"

namespace devkey::server {

class RunningServer : public testing::Test {
 protected:
    void SetUp() override {
        store = Store::open(directory.file("db"), false).value();
        ASSERT_TRUE(store->add_app("app"));
        ASSERT_TRUE(store->add_user(
            {"alice", "app", "local-userpass", "alice@x", hash_password(core::Secret{"hunter22"})}));
        api.emplace(*store, Tokens(store->signing_key().value()), [this] { return now.load(); });
        fit(*api, faults.seam());
        start({.host = "127.0.0.1", .port = 0, .tls_cert = {}, .tls_key = {}});
    }
    void start(const Listen& listen) {
        running.reset();
        running = Server::start(listen, *api, [this](const Served& one) {
                      const std::lock_guard lock(mutex);
                      served.push_back(one.method + " " + one.path + " " + std::to_string(one.status));
                  }).value();
    }
    [[nodiscard]] Client connect() const { return Client(running->port()); }
    [[nodiscard]] std::string log_in() const {
        const auto answer = connect().call("POST", "/app/app/auth/providers/local-userpass/login",
                                           R"({"username":"alice@x","password":"hunter22"})");
        return field(answer, "refresh_token");
    }
    static std::string field(const std::string& answer, const std::string& name) {
        const auto body = answer.substr(answer.find("\r\n\r\n") + 4);
        return Poco::JSON::Parser().parse(body).extract<Poco::JSON::Object::Ptr>()->optValue<std::string>(
            name, "");
    }
    static int status_of(const std::string& answer) {
        return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
    }
    /// The names of alice's keys, as stored.
    [[nodiscard]] std::vector<std::string> names() const {
        const auto keys = store->keys("alice").value();
        std::vector<std::string> names;
        for (const auto& key : keys) names.push_back(key.name);
        return names;
    }

    fakes::TemporaryDirectory directory;
    std::unique_ptr<Store> store;
    std::atomic<long long> now = 1800000000;
    fakes::Faults faults;
    std::optional<Api> api;
    std::mutex mutex;
    std::vector<std::string> served;
    std::unique_ptr<Server> running;  // stops first
};

}  // namespace devkey::server
