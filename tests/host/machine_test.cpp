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

#include "fakes/process.hpp"
#include "fakes/refuse_call.hpp"
#include "fakes/temporary_directory.hpp"
#include "host/device_id.hpp"
#include "host/hardening.hpp"
#include "host/machine_id.hpp"
#include "host/run_command.hpp"
#include "host/system_clock.hpp"
#include "host/system_entropy.hpp"

namespace devkey::host {
namespace {

using core::ErrorKind;

// The device id's, and the machine's (host/device_id.cpp).
constexpr ApplicationId application{0xb8, 0xb1, 0x8b, 0xdf, 0x38, 0x67, 0x44, 0xf0,
                                    0xaf, 0xc5, 0x80, 0xbe, 0xf7, 0x2e, 0x97, 0xb1};
constexpr ApplicationId other_application{0xb2, 0xdb, 0xa3, 0xbb, 0xfb, 0x4e, 0x41, 0xc0,
                                          0xad, 0x4e, 0x0b, 0xad, 0x92, 0xfd, 0xd9, 0xaa};

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
    if (!hashed_machine_id(application)) {  // then nothing can be derived, and both say so
        EXPECT_FALSE(read_device_id(core::FromMachineId{}, -1));
        EXPECT_EQ(machine_tag(), "");
        return;
    }
    EXPECT_EQ(id_of(core::FromMachineId{}).size(), 32U);
    EXPECT_EQ(machine_tag().size(), 32U);
    const std::set<std::string> all{raw, id_of(core::FromMachineId{}), machine_tag()};
    EXPECT_EQ(all.size(), 3U);
}

// What `systemd-id128 machine-id --app-specific=` of systemd 252 printed, with these in /etc/machine-id.
TEST(MachineId, IsHashedAsSystemdDoes) {
    const fakes::TemporaryDirectory directory;
    const auto hashed = [&](const std::string& content, const ApplicationId& of) {
        return hashed_machine_id(of, directory.write("machine-id", content, 0444)).value();
    };
    const std::string id = "d86a4e9e4dca45c5bcd9846409bfa1ae";
    EXPECT_EQ(hashed(id + "\n", application), "893bd0baefbe4aeb9db09d365afc3c16");
    EXPECT_EQ(hashed(id + "\n", other_application), "b65c4c4999b2422c8338154a7dc6428e");
    EXPECT_EQ(hashed(id, application), "893bd0baefbe4aeb9db09d365afc3c16");
    EXPECT_EQ(hashed("D86A4E9E4DCA45C5BCD9846409BFA1AE\n", application), "893bd0baefbe4aeb9db09d365afc3c16");
    EXPECT_EQ(hashed(std::string(32, 'f') + "\n", application), "43a8c5351ac9473fb429f205344c25ef");
    EXPECT_EQ(hashed(std::string(31, '0') + "1\n", other_application), "05ce2bbca71844639ee19dab42bf94a8");
}

TEST(MachineId, OfThisMachineIsHashedAsSystemdDoes) {
    const fakes::TemporaryDirectory directory;
    fakes::Process systemd({"systemd-id128", "machine-id", "--app-specific=b8b18bdf386744f0afc580bef72e97b1"},
                           directory.file("out"));
    const auto ours = hashed_machine_id(application);
    EXPECT_EQ(systemd.wait() == 0, ours.has_value())
        << "systemd-id128 (of the package systemd): " << systemd.errors();
    EXPECT_EQ(systemd.output(), ours ? *ours + "\n" : "");
}

TEST(MachineId, ThatIsNoneIsRefusedWithTheRemedy) {
    const fakes::TemporaryDirectory directory;
    const std::string id = "d86a4e9e4dca45c5bcd9846409bfa1ae";
    for (const std::string& bad :
         {std::string{}, std::string{"\n"}, std::string{"uninitialized\n"}, id + "\n\n", id + "0\n",
          id.substr(1) + "\n", id.substr(1) + "g\n", "0x" + id.substr(2) + "\n", "-" + id.substr(1) + "\n",
          std::string(32, '0') + "\n", std::string{"d86a4e9e-4dca-45c5-bcd9-846409bfa1ae\n"}}) {
        const auto hashed = hashed_machine_id(application, directory.write("machine-id", bad, 0444));
        ASSERT_FALSE(hashed) << bad;
        EXPECT_EQ(hashed.error().kind, ErrorKind::Io);
        EXPECT_TRUE(hashed.error().message.starts_with(directory.file("machine-id") + " can't be used"));
        EXPECT_TRUE(hashed.error().message.contains("systemd-machine-id-setup")) << hashed.error().message;
    }
    EXPECT_EQ(hashed_machine_id(application, directory.file("none")).error().kind, ErrorKind::NotFound);
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
