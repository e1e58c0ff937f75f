// devkey-server in process, over TLS, with an owner, and faults to set: the service that a test's devkeyd
// speaks to.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fakes/certificates.hpp"
#include "fakes/faults.hpp"
#include "fakes/temporary_directory.hpp"
#include "server/api.hpp"
#include "server/crypto.hpp"
#include "server/server.hpp"
#include "server/store.hpp"

namespace devkey::e2e {

inline const std::string app = "devices";
inline const std::string owner = "site-7@example.com";
inline const std::string password = "correct horse 7";

class Service {
 public:
    Service() {
        EXPECT_TRUE(store->add_app(app));
        EXPECT_TRUE(store->add_user(
            {"user-1", app, "local-userpass", owner, server::hash_password(core::Secret{password})}));
        api_.emplace(*store, server::Tokens(store->signing_key().value()), [] {
            return std::chrono::duration_cast<std::chrono::seconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                .count();
        });
        server::fit(*api_, faults.seam());
        start(authority.issue("127.0.0.1"));
    }
    /// Again, with this certificate, on the port it had.
    void start(const fakes::Certificate& certificate) {
        stop();
        running_ = server::Server::start({.host = "127.0.0.1",
                                          .port = port_,
                                          .tls_cert = certificate.cert,
                                          .tls_key = certificate.key},
                                         *api_,
                                         [this](const server::Served& one) {
                                             const std::lock_guard lock(mutex_);
                                             if (one.path.ends_with("local-userpass/login")) ++owner_log_ins_;
                                             served_.push_back(one.method + " " + last_of(one.path) + " " +
                                                               std::to_string(one.status));
                                         })
                       .value();
        port_ = running_->port();
    }
    void stop() { running_.reset(); }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
    /// What the owner's keys are called, as stored.
    [[nodiscard]] std::vector<std::string> key_names() const {
        std::vector<std::string> names;
        for (const auto& key : keys()) names.push_back(key.name);
        return names;
    }
    [[nodiscard]] std::vector<server::StoredKey> keys() const { return store->keys("user-1").value(); }
    /// Whether somebody could log in with it now.
    [[nodiscard]] bool takes(const std::string& secret) const {
        const auto key = store->key_by_hash(server::sha256(secret)).value();
        return key && !key->disabled;
    }
    /// "METHOD last-part-of-the-path status" of every request so far.
    [[nodiscard]] std::vector<std::string> served() const {
        const std::lock_guard lock(mutex_);
        return served_;
    }
    [[nodiscard]] std::size_t count_of(const std::string& served_line) const {
        return static_cast<std::size_t>(std::ranges::count(served(), served_line));
    }

    /// How often the owner logged in, or tried to.
    [[nodiscard]] std::size_t owner_log_ins() const {
        const std::lock_guard lock(mutex_);
        return owner_log_ins_;
    }

    fakes::TemporaryDirectory directory;
    fakes::Authority authority{directory.path};
    std::unique_ptr<server::Store> store = server::Store::open(directory.file("db"), false).value();
    fakes::Faults faults;

 private:
    static std::string last_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

    mutable std::mutex mutex_;
    std::vector<std::string> served_;
    std::size_t owner_log_ins_ = 0;
    std::optional<server::Api> api_;
    std::uint16_t port_ = 0;
    std::unique_ptr<server::Server> running_;  // stops first
};

}  // namespace devkey::e2e
