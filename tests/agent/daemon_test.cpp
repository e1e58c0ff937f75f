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
#include <regex>
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
        const auto now = std::chrono::floor<core::Millis>(std::chrono::system_clock::now());
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
                              .created_at = now};
        state.current->published_at = state.current->logged_in_at = state.current->listed_at = now;
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

TEST_F(DaemonTest, TellsSystemdsWatchdogThatItLives) {
    serve([](const std::string& url) { return std::vector{location(url), Answer{http_answer(401, "{}")}}; });
    Daemon daemon(*device, {"env", "WATCHDOG_USEC=40000"});
    ASSERT_TRUE(daemon.tells("STATUS=owner-refused"));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(daemon.tells("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=40000")) << i;
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
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

TEST_F(DaemonTest, AChangedSecretEndsALongWait) {
    serve([](const std::string& url) {
        std::vector<Answer> script{location(url), {http_answer(401, "{}")}, location(url)};
        // A rename is two events: read one by one, they ask for two tries.
        for (int tries = 0; tries < 4; ++tries) script.push_back({http_answer(401, "{}")});
        return script;
    });
    device->secret_source.clear();
    device->write_settings();
    Daemon daemon(*device);
    ASSERT_TRUE(daemon.tells("STATUS=owner-refused"));
    device->give_secret("another");
    EXPECT_TRUE(daemon.tells("STATUS=owner-refused"));
    EXPECT_GE(requests("/login"), 2);
}

// It says that it runs, and would run for long: a test that has to kill it has seen it hang.
std::string hung_command(const std::string& sign) {
    return "{command: {run: [/bin/sh, -c, 'touch " + sign + "; sleep 290'], timeout: 5m}}";
}

TEST_F(DaemonTest, ACommandThatHangsDoesNotHoldUpTheEnd) {
    serve([](const std::string&) { return std::vector<Answer>{}; });
    const auto sign = device->directory.file("sign");
    const auto runs = [&] { return std::filesystem::exists(sign); };
    device->device_id = hung_command(sign);
    device->write_settings();
    for (const int signal : {SIGTERM, SIGINT}) {
        Daemon daemon(*device);
        ASSERT_TRUE(fakes::wait_until(runs));
        EXPECT_EQ(daemon.process().end(signal), 0);
        std::filesystem::remove(sign);
    }
    device->device_id = "{literal: bench-1}";
    device->secret_source = hung_command(sign).substr(1, hung_command(sign).size() - 2);
    device->write_settings();
    Daemon daemon(*device);
    ASSERT_TRUE(fakes::wait_until(runs));
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
}

TEST_F(DaemonTest, ADeviceIdThatCannotBeHadIsToldAndEndsIt) {
    serve([](const std::string&) { return std::vector<Answer>{}; });
    device->device_id = "{command: {run: [/bin/false]}}";
    device->write_settings();
    Daemon daemon(*device);
    EXPECT_TRUE(daemon.tells("STATUS=unavailable: the device id: /bin/false: ended with exit status 1"));
    EXPECT_EQ(daemon.process().wait(), 75);
    EXPECT_TRUE(daemon.process().errors().contains("the device id: /bin/false"));
    device->device_id = "{file: " + device->directory.file("none") + "}";
    device->write_settings();
    EXPECT_EQ(device->once().exit_code, 78);
}

TEST_F(DaemonTest, ASighupIsToldToSystemdAndNeverWaitsForAPipe) {
    serve([](const std::string&) { return std::vector<Answer>{}; });
    give_state();
    Daemon daemon(*device);
    ASSERT_TRUE(daemon.tells("READY=1"));
    const auto settings = device->directory.file("devkeyd.yaml");
    std::filesystem::remove(settings);
    ASSERT_EQ(::mkfifo(settings.c_str(), 0600), 0);
    daemon.process().signal(SIGHUP);
    EXPECT_TRUE(daemon.tells("RELOADING=1\nMONOTONIC_USEC="));
    EXPECT_TRUE(daemon.tells("READY=1"));
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
    EXPECT_TRUE(daemon.process().errors().contains("name a regular file"));
}

TEST_F(DaemonTest, RunsOnceInAStateDirectoryAndMakesNoCores) {
    serve([](const std::string&) { return std::vector<Answer>{}; });
    give_state();
    Daemon daemon(*device);
    ASSERT_TRUE(daemon.tells("READY=1"));
    const auto other = device->once();
    EXPECT_EQ(other.exit_code, 75);
    EXPECT_TRUE(other.out.contains("another devkeyd")) << other.out;
    const auto proc = "/proc/" + std::to_string(daemon.process().pid());
    const auto limits = fakes::content_of(proc + "/limits");
    const auto at = limits.find("Max core file size");
    ASSERT_NE(at, std::string::npos);
    EXPECT_EQ(std::regex_replace(limits.substr(at, limits.find('\n', at) - at), std::regex(" +"), " "),
              "Max core file size 0 0 bytes ");
    if (::geteuid() == 0) {
        EXPECT_EQ(fakes::content_of(proc + "/coredump_filter"), "00000000\n");
    } else {  // what isn't dumpable is root's (proc(5))
        struct stat facts{};
        ASSERT_EQ(::stat((proc + "/coredump_filter").c_str(), &facts), 0);
        EXPECT_EQ(facts.st_uid, 0U);
    }
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
