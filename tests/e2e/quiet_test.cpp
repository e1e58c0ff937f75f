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

    /// How many sockets of a network a run makes, by strace. (Whom they connect to, strace can't tell of a
    /// program whose memory is closed to it; but one socket is one connection at most.)
    std::ptrdiff_t network_sockets_of_a_run() {
        const auto trace = device.directory.file("trace");
        // The leak sanitizer doesn't work under strace.
        const auto run = device.once(
            {"strace", "-f", "-q", "-o", trace, "-e", "trace=socket", "-E", "ASAN_OPTIONS=detect_leaks=0"});
        EXPECT_EQ(run.exit_code, 0) << run.err;
        const auto calls = content_of(trace);
        EXPECT_TRUE(calls.contains("+++ exited with 0 +++")) << calls;  // else nothing was traced
        const std::regex wanted("socket\\((AF|PF)_INET");
        return std::distance(std::sregex_iterator(calls.begin(), calls.end(), wanted), {});
    }

    Service service;
    Device device{service.url(), service.authority.ca_file()};
};

TEST_F(Quiet, AFirstKeyTakesSevenRequestsOverOneConnectionAndARestartNone) {
    EXPECT_EQ(network_sockets_of_a_run(), 1);
    EXPECT_EQ(service.served(),
              (std::vector<std::string>{"GET location 200", "POST login 200", "GET api_keys 200",
                                        "POST api_keys 201", "POST login 200", "DELETE session 204",
                                        "DELETE session 204"}));
    EXPECT_EQ(network_sockets_of_a_run(), 0);
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
