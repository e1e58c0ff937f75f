// Device id, clocks, chance and hardening: what is asked of the machine itself.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <set>
#include <string>

#include "fakes/refuse_call.hpp"
#include "fakes/temporary_directory.hpp"
#include "host/device_id.hpp"
#include "host/hardening.hpp"
#include "host/run_command.hpp"
#include "host/system_clock.hpp"
#include "host/system_entropy.hpp"

namespace devkey::host {
namespace {

using core::ErrorKind;

std::string id_of(const core::DeviceIdSource& source) {
    const auto id = read_device_id(source, -1);
    return id ? *id : "error: " + id.error().message;
}

TEST(DeviceId, ComesFromWhereTheSettingsSay) {
    const fakes::TemporaryDirectory directory;
    EXPECT_EQ(id_of(core::FromLiteral{"pump 7"}), "pump 7");
    EXPECT_EQ(id_of(core::FromFile{directory.write("serial", "SN-1\n", 0644)}), "SN-1");
    EXPECT_EQ(id_of(core::FromCommand{{"/bin/echo", "SN-2"}}), "SN-2");
    std::string name(256, '\0');
    ASSERT_EQ(::gethostname(name.data(), name.size()), 0);
    EXPECT_EQ(id_of(core::FromHostname{}), name.substr(0, name.find_first_of(std::string_view("\0.", 2))));
}

TEST(DeviceId, IsValidated) {
    for (const std::string bad : {"", " a", "a ", "a\nb", "a\x7f", "\xc3\xa9"}) {
        const auto id = read_device_id(core::FromLiteral{bad}, -1);
        ASSERT_FALSE(id) << bad;
        EXPECT_EQ(id.error().kind, ErrorKind::InvalidInput);
        EXPECT_TRUE(id.error().message.starts_with("the device id: "));
    }
    EXPECT_TRUE(read_device_id(core::FromLiteral{std::string(255, 'x')}, -1));
    EXPECT_FALSE(read_device_id(core::FromLiteral{std::string(256, 'x')}, -1));
}

TEST(DeviceId, LosesWhatAFileOrACommandPutsAroundIt) {
    const fakes::TemporaryDirectory directory;
    // A device tree's serial number ends with a zero byte.
    const std::string serial = directory.write("serial", std::string_view("10000000deadbeef\0", 17), 0444);
    EXPECT_EQ(id_of(core::FromFile{serial}), "10000000deadbeef");
    EXPECT_EQ(id_of(core::FromFile{directory.write("crlf", "SN-1\r\n", 0644)}), "SN-1");
    EXPECT_EQ(id_of(core::FromCommand{{"/usr/bin/printf", " SN-2\\n\\n"}}), "SN-2");
    EXPECT_TRUE(id_of(core::FromFile{directory.write("blank", " \n", 0644)}).starts_with("error: "));
}

TEST(DeviceId, FromTheMachineIdHidesIt) {
    std::ifstream file("/etc/machine-id");
    std::string raw;
    std::getline(file, raw);
    if (raw.size() != 32) {  // then nothing can be derived, and both say so
        EXPECT_FALSE(read_device_id(core::FromMachineId{}, -1));
        EXPECT_EQ(machine_tag(), "");
        return;
    }
    EXPECT_EQ(id_of(core::FromMachineId{}).size(), 32U);
    EXPECT_EQ(machine_tag().size(), 32U);
    const std::set<std::string> all{raw, id_of(core::FromMachineId{}), machine_tag()};
    EXPECT_EQ(all.size(), 3U);
}

TEST(SystemClock, IsNotTakenToBeSynchronisedWhereNobodyMayAsk) {
    const pid_t child = ::fork();
    if (child == 0) {
        const bool refused =
            fakes::refuse_call(SYS_adjtimex, EPERM) && fakes::refuse_call(SYS_clock_adjtime, EPERM);
        ::_exit(!refused || SystemClock{}.is_synchronised() ? 1 : 0);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST(Entropy, GivesTagsOfItsLetters) {
    SystemEntropy entropy;
    const std::string tag = entropy.tag(4000);
    ASSERT_EQ(tag.size(), 4000U);
    EXPECT_EQ(std::set<char>(tag.begin(), tag.end()).size(), 32U);
    EXPECT_EQ(tag.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567"), std::string::npos);
    EXPECT_NE(entropy.tag(20), entropy.tag(20));
}

TEST(Clock, LiesBetweenTwoReadingsOfTheKernels) {
    const SystemClock clock;
    const auto read = [](clockid_t id) {
        timespec time{};
        EXPECT_EQ(clock_gettime(id, &time), 0);
        return time.tv_sec * 1000 + time.tv_nsec / 1'000'000;
    };
    const auto boot_before = read(CLOCK_BOOTTIME);
    const auto boot = clock.boot_now().time_since_epoch().count();
    EXPECT_LE(boot_before, boot);
    EXPECT_LE(boot, read(CLOCK_BOOTTIME));
    EXPECT_NEAR(static_cast<double>(clock.now().time_since_epoch().count()),
                static_cast<double>(read(CLOCK_REALTIME)), 60'000);
}

// In a child, so that the test program itself stays as it was. It answers what doesn't hold.
int check_hardening() {
    if (!harden()) return 1;
    rlimit limit{};
    if (::getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != 0 || limit.rlim_max != 0) return 2;
    if (::prctl(PR_GET_DUMPABLE) != 0) return 3;
    if (::umask(0) != 077) return 4;
    struct sigaction action{};
    if (::sigaction(SIGPIPE, nullptr, &action) != 0 || action.sa_handler != SIG_IGN) return 5;
    if (::raise(SIGUSR1) != 0) return 7;
    std::ifstream filter("/proc/self/coredump_filter");
    std::string flags;
    if (filter >> flags && flags.find_first_not_of('0') != std::string::npos) return 6;
    return 0;
}

TEST(Hardening, HoldsInAChild) {
    EXPECT_EXIT(::_exit(check_hardening()), testing::ExitedWithCode(0), "");
}

int check_standard_descriptors() {
    for (const int number : {0, 1, 2}) ::close(number);
    if (!harden()) return 1;
    return ::open("/dev/null", O_RDONLY) > STDERR_FILENO ? 0 : 2;
}

TEST(Hardening, NoFileOfOursBecomesAStandardDescriptor) {
    EXPECT_EXIT(::_exit(check_standard_descriptors()), testing::ExitedWithCode(0), "");
}

int check_failed_command() {
    // As an odd parent may leave it.
    if (::signal(SIGCHLD, SIG_IGN) == SIG_ERR || !harden()) return 1;
    const auto output = run_command({{"/bin/sh", "-c", "echo wrong; exit 3"}, std::chrono::minutes{1}}, -1);
    return !output && output.error().message.find("exit status 3") != std::string::npos ? 0 : 2;
}

TEST(Hardening, AFailedCommandIsSeenThoughOurParentIgnoredItsChildren) {
    EXPECT_EXIT(::_exit(check_failed_command()), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace devkey::host
