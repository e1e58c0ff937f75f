// The real daemon beside a server that says what the test wants: signals, settings read again, what it
// watches.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "e2e/device.hpp"
#include "fakes/refuse_call.hpp"
#include "fakes/wait_until.hpp"
#include "services/scripted_server.hpp"
#include "storage/state_file.hpp"

namespace devkey {
namespace {

using e2e::Daemon;
using e2e::Device;
using services::Answer;
using services::http_answer;
using services::ScriptedServer;

const std::string session = R"({"access_token":"a","refresh_token":"r","user_id":"u","device_id":"d"})";

Answer location(const std::string& url) {
    return {http_answer(
        200, R"({"hostname":")" + url + R"(","ws_hostname":"","location":"","deployment_model":""})")};
}

class DaemonTest : public testing::Test {
 protected:
    // The device's settings name a server that has this script.
    void serve(const std::function<std::vector<Answer>(const std::string& url)>& script) {
        server = std::make_unique<ScriptedServer>(script);
        device = std::make_unique<Device>(server->url(), "/not/used.pem");
        device->service_lines = "  plain_http: true\n";
        // Nothing that is watched: only a signal tells of a change.
        device->secret_source = "command: {run: [/bin/cat, " + device->directory.file("owner-secret") + "]}";
        device->write_settings();
    }
    void spoil_settings() const {
        fakes::put(device->directory.file("devkeyd.yaml"), "version: 1\nservices: {}\n");
    }
    [[nodiscard]] std::ptrdiff_t requests(const std::string& part) const {
        return std::ranges::count_if(server->requests(),
                                     [&](const std::string& line) { return line.contains(part); });
    }
    // A device that has its key, as its state says; the credential file isn't there yet.
    void give_state() const {
        core::State state;
        state.identity = {server->url(), "devices", "local-userpass:site-7@example.com", "bench-1"};
        state.owner_id = "u";
        state.installation = "abcde";
        state.last_generation = 1;
        state.current.emplace();
        state.current->key = {.id = "id-1",
                              .name = "devkey-bench1-abcde-1-fghij",
                              .generation = 1,
                              .secret = core::Secret{"the key"},
                              .created_at = {}};
        state.current->published_at = core::Instant{};
        fakes::put(device->state_directory() + "/state.json",
                   std::string(storage::format_state(state).reveal()));
    }
    [[nodiscard]] bool credential_appears() const {
        return fakes::wait_until([&] { return device->has_credential(); });
    }

    std::unique_ptr<ScriptedServer> server;
    std::unique_ptr<Device> device;
};

TEST_F(DaemonTest, ASighupEndsALongWaitThoughTheSettingsAreWrong) {
    serve([](const std::string& url) {
        return std::vector{location(url), Answer{http_answer(401, "{}")}, location(url),
                           Answer{http_answer(401, "{}")}};
    });
    Daemon daemon(*device);
    ASSERT_TRUE(daemon.tells("STATUS=owner-refused"));  // for five minutes at least
    spoil_settings();
    daemon.process().signal(SIGHUP);
    EXPECT_TRUE(daemon.tells("STATUS=owner-refused"));
    EXPECT_EQ(requests("/login"), 2);
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
    EXPECT_TRUE(daemon.process().errors().contains("bad-settings"));
}

TEST_F(DaemonTest, ASighupDoesNotEndAWaitThatTheServiceAskedFor) {
    serve([](const std::string& url) {
        return std::vector{location(url), Answer{http_answer(429, "{}", "Retry-After: 600\r\n")}};
    });
    Daemon daemon(*device);
    ASSERT_TRUE(daemon.tells("STATUS=rate-limited"));
    daemon.process().signal(SIGHUP);
    EXPECT_TRUE(daemon.tells("STATUS=rate-limited"));
    EXPECT_EQ(server->requests().size(), 2U);
}

// The wait that the 503 asks for is so short that the session is kept over it.
std::vector<Answer> until_the_list(const std::string& url) {
    return {location(url), {http_answer(200, session)}, {http_answer(503, "{}", "Retry-After: 7\r\n")}};
}

TEST_F(DaemonTest, ASighupLogsTheOldSessionOut) {
    serve([](const std::string& url) {
        auto script = until_the_list(url);
        script.push_back({http_answer(204, "")});
        script.push_back(location(url));
        return script;
    });
    Daemon daemon(*device);
    ASSERT_TRUE(daemon.tells("STATUS=service-unavailable"));
    daemon.process().signal(SIGHUP);
    ASSERT_TRUE(fakes::wait_until([&] { return requests("/location") == 2; }));
    EXPECT_EQ(requests("DELETE /api/client/v2.0/auth/session"), 1);
}

TEST_F(DaemonTest, ALogOutThatHangsDoesNotHoldUpTheEnd) {
    serve([](const std::string& url) {
        auto script = until_the_list(url);
        script.push_back({"HTTP/1.1 200 X\r\nContent-Length: 1000000\r\n\r\nx", false, true});
        return script;
    });
    device->service_lines += "  timeout: 10m\n";
    device->write_settings();
    Daemon daemon(*device);
    ASSERT_TRUE(daemon.tells("STATUS=service-unavailable"));
    daemon.process().signal(SIGHUP);
    ASSERT_TRUE(fakes::wait_until([&] { return server->requests().size() == 4; }));
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
}

TEST_F(DaemonTest, ASingleRunLogsItsSessionOutWhateverItCameTo) {
    serve([](const std::string& url) {
        auto script = until_the_list(url);
        script.push_back({http_answer(204, "")});
        return script;
    });
    EXPECT_EQ(device->once().exit_code, 75);
    EXPECT_EQ(requests("DELETE /api/client/v2.0/auth/session"), 1);
}

bool without_inotify() {
    return fakes::refuse_call(SYS_inotify_init1, EMFILE);
}

TEST_F(DaemonTest, WithoutInotifyRunsOnAndLooksAtTheCredentialFileInEachPass) {
    serve([](const std::string&) { return std::vector<Answer>{}; });
    device->secret_source.clear();  // a file, watched as well
    device->write_settings();
    give_state();
    Daemon daemon(*device, {}, without_inotify);
    ASSERT_TRUE(daemon.tells("READY=1"));
    for (int i = 0; i < 2; ++i) {
        std::filesystem::remove(device->credential_file());
        daemon.process().signal(SIGHUP);
        EXPECT_TRUE(credential_appears());
    }
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
    const auto log = daemon.process().errors();
    EXPECT_TRUE(log.contains("fs.inotify.max_user_instances"));
    EXPECT_EQ(log.find("not-watched"), log.rfind("not-watched")) << log;
}

}  // namespace
}  // namespace devkey
