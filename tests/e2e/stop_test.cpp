// A signal ends the real devkeyd at once, whatever it is in the middle of; and nobody looks into its memory.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <chrono>
#include <thread>

#include "e2e/device.hpp"
#include "e2e/service.hpp"
#include "e2e/sockets.hpp"

namespace devkey::e2e {
namespace {

using namespace std::chrono_literals;
using fakes::content_of;
using fakes::wait_until;

// What hangs here would hang for longer than that: a minute, by its settings, or for ever.
constexpr const char* patient = "  connect_timeout: 60s\n  timeout: 120s\n";

// We promise 2 s. The rest is for a loaded machine with sanitizers: a broken promise takes a minute.
constexpr auto at_once = 10s;

void expect_ends_at_once(Daemon& daemon, int signal) {
    ASSERT_TRUE(daemon.process().is_running()) << daemon.process().errors();
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(daemon.process().end(signal), 0) << daemon.process().errors();
    EXPECT_LT(std::chrono::steady_clock::now() - start, at_once);
    EXPECT_TRUE(daemon.told().contains("STOPPING=1")) << daemon.told();
}

// By both signals.
struct Signal : testing::TestWithParam<int> {
    Service service;
    Device device{service.url(), service.authority.ca_file()};
};
INSTANTIATE_TEST_SUITE_P(Both, Signal, testing::Values(SIGTERM, SIGINT), [](const auto& signal) {
    return std::string(signal.param == SIGTERM ? "Sigterm" : "Sigint");
});

TEST_P(Signal, EndsItWhenIdle) {
    device.write_settings();
    Daemon daemon(device);
    ASSERT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    expect_ends_at_once(daemon, GetParam());
}

// The create is carried out and its answer never comes; afterwards there is one key, and it is known.
TEST_P(Signal, EndsItInTheMiddleOfAHungRequest) {
    device.service_lines = patient;
    device.write_settings();
    const auto gate = std::make_shared<fakes::Gate>();
    service.faults.at("POST", "/auth/api_keys", fakes::delay_after(gate));
    Daemon daemon(device);
    ASSERT_TRUE(gate->reached());
    expect_ends_at_once(daemon, GetParam());
    gate->open();
    const auto next = device.once();
    EXPECT_EQ(next.exit_code, 0) << next.err;
    EXPECT_EQ(service.key_names(), std::vector{device.credential("key_name")});
}

TEST_P(Signal, EndsItInTheMiddleOfAHungConnect) {
    SilentPort port(0);
    port.fill();
    Device lonely("https://127.0.0.1:" + std::to_string(port.port()), service.authority.ca_file());
    lonely.service_lines = patient;
    lonely.write_settings();
    Daemon daemon(lonely);
    ASSERT_TRUE(port.has_client(SilentPort::connecting));
    expect_ends_at_once(daemon, GetParam());
}

TEST_P(Signal, EndsItInTheMiddleOfAHungHandshake) {
    const SilentPort port;
    Device lonely("https://127.0.0.1:" + std::to_string(port.port()), service.authority.ca_file());
    lonely.service_lines = patient;
    lonely.write_settings();
    Daemon daemon(lonely);
    ASSERT_TRUE(port.has_client(SilentPort::established));
    expect_ends_at_once(daemon, GetParam());
}

TEST_P(Signal, EndsItInTheMiddleOfAHungNameLookUp) {
    Device named("https://localhost:1", service.authority.ca_file());
    named.service_lines = patient;
    named.write_settings();
    const auto began = named.directory.file("began");
    Daemon daemon(named, {"/usr/bin/env", "HUNG_LOOK_UP=" + began, "LD_PRELOAD=" HUNG_LOOK_UP,
                          "ASAN_OPTIONS=verify_asan_link_order=0"});
    ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(began); }));
    expect_ends_at_once(daemon, GetParam());
}

TEST_P(Signal, EndsItInTheMiddleOfAHungSecretsCommand) {
    const auto began = device.directory.file("began");
    device.secret_source =
        "command:\n      run: [/bin/sh, -c, \"echo $$ > " + began + "; sleep 600\"]\n      timeout: 60s";
    device.write_settings();
    Daemon daemon(device);
    ASSERT_TRUE(wait_until([&] { return content_of(began).contains('\n'); }));
    expect_ends_at_once(daemon, GetParam());
    // Nor does the command outlive it.
    const auto command = std::stoi(content_of(began));
    EXPECT_TRUE(wait_until([&] { return ::kill(command, 0) != 0; }));
}

// ---- its memory

/// Without any privilege, so that the kernel's own rule shows even where root runs the tests. For this thread
/// and what it starts.
void drop_privileges() {
    for (int capability = 0; capability <= CAP_LAST_CAP; ++capability)
        ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> none{};
    ::syscall(SYS_capset, &header, none.data());
}

std::string of_process(pid_t id, const std::string& file) {
    return content_of("/proc/" + std::to_string(id) + "/" + file);
}

void expect_memory_is_closed(Device& device) {
    drop_privileges();
    Daemon daemon(device);
    ASSERT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    const fakes::Process other({"/bin/sleep", "600"}, device.next_output());
    // What the same user may do with a program of his own…
    ASSERT_TRUE(wait_until([&] { return !of_process(other.pid(), "environ").empty(); }));
    EXPECT_FALSE(of_process(other.pid(), "maps").empty());
    // …he may not with this one.
    EXPECT_EQ(of_process(daemon.process().pid(), "environ"), "");
    EXPECT_EQ(of_process(daemon.process().pid(), "maps"), "");
    EXPECT_EQ(of_process(daemon.process().pid(), "auxv"), "");
}

TEST(Memory, OfTheRunningDaemonIsClosedToItsOwnUser) {
    const Service service;
    Device device{service.url(), service.authority.ca_file()};
    device.write_settings();
    std::thread(expect_memory_is_closed, std::ref(device)).join();
}

TEST(Memory, OfTheRunningDaemonIsInNoCoreDump) {
    const Service service;
    Device device{service.url(), service.authority.ca_file()};
    device.write_settings();
    Daemon daemon(device);
    ASSERT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    const auto limits = of_process(daemon.process().pid(), "limits");
    const auto at = limits.find("Max core file size");
    ASSERT_NE(at, std::string::npos) << limits;
    std::istringstream words(limits.substr(at + std::string("Max core file size").size()));
    std::string soft;
    std::string hard;
    words >> soft >> hard;
    EXPECT_EQ(soft, "0");
    EXPECT_EQ(hard, "0");
    // And not on the stack or heap of one that a privileged dumper makes in spite of the limit.
    EXPECT_EQ(of_process(daemon.process().pid(), "coredump_filter"), "00000000\n");
}

}  // namespace
}  // namespace devkey::e2e
