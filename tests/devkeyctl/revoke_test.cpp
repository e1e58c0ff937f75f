// Revoking a device's keys, against a service in memory.
#include "devkeyctl/revoke.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/key_name.hpp"
#include "devkeyctl/exit_codes.hpp"
#include "fakes/world.hpp"

namespace devkey::ctl {
namespace {

using core::ErrorKind;
using Fault = fakes::Service::Fault;

struct Revoke : testing::Test {
    Revoke() {
        terminal.out = [this](const std::string& line) { out += line + "\n"; };
        terminal.note = [this](const std::string& line) { notes += line + "\n"; };
    }
    void has(const std::vector<std::string>& all) {
        for (const auto& name : all) service.keys[name].name = name;
    }
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& [id, key] : service.keys) all.push_back(key.name);
        return all;
    }
    int run(const std::string& device, bool disable = false) {
        return revoke_at(terminal, service, "devkey", {.device = device, .settings = "", .disable = disable});
    }

    fakes::Clock clock;
    fakes::Effects effects;
    fakes::Service service{effects, clock};
    std::string out;
    std::string notes;
    Terminal terminal;
};

TEST_F(Revoke, TakesEveryKeyOfTheDeviceAndNoOther) {
    has({"devkey-press-1-aaaaaa-1-bbbb", "devkey-press-1-aaaaaa-2-cccc", "devkey-press-1-dddddd-1-bbbb",
         "devkey-press-11-aaaaaa-1-bbbb", "devkey-press-aaaaaa-1-bbbb", "other-press-1-aaaaaa-1-bbbb",
         "devkey-press-1", "devkey-press-1-aaaaaa-01-bbbb", "press-1", "devkey-x-press-1-aaaaaa-1-bbbb"});
    EXPECT_EQ(run("press-1"), exit_done);
    EXPECT_EQ(names(), (std::vector<std::string>{
                           "devkey-press-1", "devkey-press-1-aaaaaa-01-bbbb", "devkey-press-11-aaaaaa-1-bbbb",
                           "devkey-press-aaaaaa-1-bbbb", "devkey-x-press-1-aaaaaa-1-bbbb",
                           "other-press-1-aaaaaa-1-bbbb", "press-1"}));
    EXPECT_EQ(std::ranges::count(out, '\n'), 3);
    EXPECT_TRUE(out.contains("deleted: devkey-press-1-aaaaaa-2-cccc (devkey-press-1-aaaaaa-2-cccc)\n"))
        << out;
    EXPECT_EQ(run("press-1"), exit_nothing_to_do);
}

TEST_F(Revoke, FindsADeviceWhoseIdDoesNotFitIntoNames) {
    const std::string id = "Halle 7 / Presse Nr. 12";
    const auto label = core::device_label(id, "devkey", service.can.longest_name).value();
    has({"devkey-" + label + "-aaaaaa-1-bbbb"});
    EXPECT_EQ(run(id), exit_done);
    EXPECT_TRUE(names().empty());
}

TEST_F(Revoke, DisablesWhereItIsToldTo) {
    has({"devkey-a-aaaaaa-1-bbbb", "devkey-a-aaaaaa-2-bbbb"});
    service.keys["devkey-a-aaaaaa-1-bbbb"].enabled = false;
    terminal.json = true;
    EXPECT_EQ(run("a", true), exit_done);
    EXPECT_EQ(out,
              "{\"version\":1,\"answer\":\"revoked\",\"device\":\"a\",\"keys\":[{\"id\":"
              "\"devkey-a-aaaaaa-2-bbbb\",\"name\":\"devkey-a-aaaaaa-2-bbbb\","
              "\"became\":\"disabled\"}]}\n");
    EXPECT_EQ(service.keys.size(), 2U);
    EXPECT_FALSE(service.keys["devkey-a-aaaaaa-2-bbbb"].enabled);
    EXPECT_EQ(run("a", true), exit_nothing_to_do);
}

TEST_F(Revoke, ALostAnswerIsAskedForAgain) {
    has({"devkey-a-aaaaaa-1-bbbb"});
    service.next("remove", {Fault::LoseRequest, Fault::LoseAnswer});
    EXPECT_EQ(run("a"), exit_done) << notes;
    EXPECT_TRUE(names().empty());
}

TEST_F(Revoke, GoesOnAfterAKeyThatCannotGoAndSaysSo) {
    has({"devkey-a-aaaaaa-1-bbbb", "devkey-a-aaaaaa-2-bbbb"});
    service.refusal = {ErrorKind::Forbidden, "no"};
    service.next("remove", {Fault::Refuse});
    EXPECT_EQ(run("a"), exit_refused);
    EXPECT_EQ(names(), (std::vector<std::string>{"devkey-a-aaaaaa-1-bbbb"}));
    EXPECT_EQ(notes, "forbidden: devkey-a-aaaaaa-1-bbbb: no\n");
    EXPECT_TRUE(out.contains("deleted: devkey-a-aaaaaa-2-bbbb"));
}

/// A device whose daemon makes a new key at once.
struct Restless : fakes::Service {
    using Service::Service;
    core::Result<void> remove(const std::string& id) override {
        auto done = Service::remove(id);
        if (keys.empty()) keys["new"].name = "devkey-a-aaaaaa-3-bbbb";
        return done;
    }
};

TEST_F(Revoke, TellsOfADeviceThatMakesNewKeys) {
    Restless restless{effects, clock};
    restless.keys["old"].name = "devkey-a-aaaaaa-2-bbbb";
    EXPECT_EQ(revoke_at(terminal, restless, "devkey", {.device = "a"}), exit_later);
    EXPECT_TRUE(notes.contains("devkey-a-aaaaaa-3-bbbb has been made meanwhile")) << notes;
    EXPECT_TRUE(out.contains("deleted: devkey-a-aaaaaa-2-bbbb")) << out;
}

TEST_F(Revoke, EndsAsDevkeydDoes) {
    const std::vector<std::pair<ErrorKind, int>> ends{{ErrorKind::Unauthenticated, exit_refused},
                                                      {ErrorKind::SecretForbidden, exit_refused},
                                                      {ErrorKind::SecretUnusable, exit_settings},
                                                      {ErrorKind::Unavailable, exit_later},
                                                      {ErrorKind::RateLimited, exit_later},
                                                      {ErrorKind::Insecure, exit_protocol},
                                                      {ErrorKind::Io, exit_io}};
    for (const auto& [kind, code] : ends) {
        service.refusal = {kind, "why"};
        service.next("list", {Fault::Refuse});
        EXPECT_EQ(run("a"), code) << core::name_of(kind);
    }
}

TEST_F(Revoke, SettingsThatCannotBeReadAreTold) {
    terminal.json = true;
    EXPECT_EQ(revoke(terminal, {.device = "a", .settings = "/nowhere/devkeyd.yaml"}), exit_settings);
    EXPECT_TRUE(out.starts_with(R"({"version":1,"answer":"failed","error":"invalid-input")")) << out;
    EXPECT_TRUE(out.contains("devkeyd.yaml")) << out;
}

}  // namespace
}  // namespace devkey::ctl
