// devkey-server in process, over TLS, with one app and one user.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fakes/certificates.hpp"
#include "fakes/faults.hpp"
#include "fakes/temporary_directory.hpp"
#include "server/api.hpp"
#include "server/crypto.hpp"
#include "server/server.hpp"
#include "services/app_services.hpp"
#include "set_clock.hpp"

namespace devkey::services {

using core::ErrorKind;
using fakes::TemporaryDirectory;

class FixedSecret : public ports::OwnerSecret {
 public:
    core::Result<core::Secret> read() override { return core::Secret{"hunter22"}; }
};

class RealService : public testing::Test {
 protected:
    void serve(const fakes::Certificate& certificate) {
        store = server::Store::open(directory.file("db"), false).value();
        ASSERT_TRUE(store->add_app("app"));
        ASSERT_TRUE(store->add_user(
            {"user-1", "app", "local-userpass", "alice", server::hash_password(core::Secret{"hunter22"})}));
        api.emplace(*store, server::Tokens(store->signing_key().value()), [] { return 1800000000LL; });
        server::fit(*api, faults.seam());
        running = server::Server::start(
                      {"127.0.0.1", 0, certificate.cert, certificate.key}, *api,
                      [this](const server::Served& one) {
                          const std::lock_guard lock(mutex);
                          served.push_back(one.method + " " +
                                           one.path.substr(std::string("/api/client/v2.0").size()) + " " +
                                           std::to_string(one.status));
                      })
                      .value();
        settings.url = "https://127.0.0.1:" + std::to_string(running->port());
        settings.app = "app";
        settings.ca_file = authority.ca_file();
        owner.username = "alice";
    }
    std::unique_ptr<ports::KeyService> make() {
        return make_app_services(settings, owner, secret, clock, interrupter).value();
    }

    TemporaryDirectory directory;
    fakes::Authority authority{directory.path};
    std::unique_ptr<server::Store> store;
    fakes::Faults faults;
    std::optional<server::Api> api;
    std::mutex mutex;
    std::vector<std::string> served;
    core::ServiceSettings settings;
    core::OwnerSettings owner;
    FixedSecret secret;
    SetClock clock;
    Interrupter interrupter;
    std::unique_ptr<server::Server> running;  // stops first
};

inline bool holds(const core::Error& error, std::string_view part) {
    return error.message.find(part) != std::string::npos;
}

inline void expect_insecure(ports::KeyService& service, const char* why) {
    const auto in = service.log_in();
    ASSERT_FALSE(in) << why;
    EXPECT_EQ(in.error().kind, ErrorKind::Insecure) << in.error().message;
    EXPECT_NE(in.error().message.find(why), std::string::npos) << in.error().message;
}

}  // namespace devkey::services
