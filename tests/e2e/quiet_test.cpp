// What the network sees of the real devkeyd: connections and requests, counted where they are made.
#include <gtest/gtest.h>

#include <regex>

#include "e2e/device.hpp"
#include "e2e/service.hpp"

namespace devkey::e2e {
namespace {

using fakes::content_of;

struct Quiet : testing::Test {
    Quiet() { device.write_settings(); }

    /// A run under strace: how often it connected to the service, and to anything on a network.
    struct Connects {
        int to_service = 0;
        int to_network = 0;
    };
    Connects connects_of_a_run() {
        const auto trace = device.directory.file("trace");
        // The leak sanitizer doesn't work under strace.
        const auto run = device.once({"strace", "-f", "-q", "-o", trace, "-e", "trace=connect,sendto,sendmsg",
                                      "-E", "ASAN_OPTIONS=detect_leaks=0"});
        EXPECT_EQ(run.exit_code, 0) << run.err;
        const auto calls = content_of(trace);
        EXPECT_TRUE(calls.contains("+++ exited with 0 +++")) << calls;  // else nothing was traced
        const auto port = service.url().substr(service.url().rfind(':') + 1);
        return {.to_service = count(calls, "connect\\(.*sin6?_port=htons\\(" + port + "\\)"),
                .to_network = count(calls, "(connect|sendto|sendmsg)\\(.*AF_INET")};
    }
    static int count(const std::string& text, const std::string& pattern) {
        const std::regex wanted(pattern);
        return static_cast<int>(std::distance(std::sregex_iterator(text.begin(), text.end(), wanted), {}));
    }

    Service service;
    Device device{service.url(), service.authority.ca_file()};
};

TEST_F(Quiet, AFirstKeyTakesSevenRequestsOverOneConnectionAndARestartNone) {
    const auto first = connects_of_a_run();
    EXPECT_EQ(first.to_service, 1);
    EXPECT_EQ(first.to_network, 1);
    EXPECT_EQ(service.served(),
              (std::vector<std::string>{"GET location 200", "POST login 200", "GET api_keys 200",
                                        "POST api_keys 201", "POST login 200", "DELETE session 204",
                                        "DELETE session 204"}));
    const auto second = connects_of_a_run();
    EXPECT_EQ(second.to_service, 0);
    EXPECT_EQ(second.to_network, 0);
    EXPECT_EQ(service.served().size(), 7U);
}

// Nothing wakes it but what happens: while nothing does, none of its threads runs.
TEST_F(Quiet, AHealthyDaemonSleeps) {
    Daemon daemon(device);
    ASSERT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    const auto switches = [&] {
        const auto tasks = "/proc/" + std::to_string(daemon.process().pid()) + "/task";
        std::string all;
        for (const auto& task : std::filesystem::directory_iterator(tasks)) {
            const auto status = content_of(task.path().string() + "/status");
            all += task.path().filename().string() + status.substr(status.find("voluntary_ctxt_switches"));
        }
        return all;
    };
    // Three seconds without a wake-up, of any thread. A machine under load may take a while to come to that.
    std::string before;
    EXPECT_TRUE(fakes::wait_until([&] {
        before = switches();
        std::this_thread::sleep_for(std::chrono::seconds(3));
        return switches() == before;
    })) << before;
    EXPECT_EQ(service.served().size(), 7U);
}

}  // namespace
}  // namespace devkey::e2e
