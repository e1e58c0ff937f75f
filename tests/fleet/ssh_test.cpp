// Over the real ssh: what a command's quotes become behind sshd and the login shell there.
#include <unistd.h>

#include <cstdlib>

#include "fleet/fleet.hpp"

namespace devkey::fleet {
namespace {

std::string sshd() {
    const char* named = ::getenv("DEVKEY_SSHD");  // tools/test has unpacked it
    return named == nullptr ? "/usr/sbin/sshd" : named;
}

/// One device, this machine, under the name `device`. sshd listens nowhere: ssh starts it for each call.
struct RealSsh : Fleet {
    [[nodiscard]] std::string ssh() const { return "ssh -F " + directory.file("ssh_config"); }
    int call(Words words) { return fakes::Process(std::move(words), directory.file("call")).wait(); }
    void prepare() {
        for (const std::string name : {"key", "host_key"})
            ASSERT_EQ(call({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory.file(name)}), 0);
        directory.write("sshd_config", "HostKey " + directory.file("host_key") + "\nAuthorizedKeysFile " +
                                           directory.file("key.pub") +
                                           "\nStrictModes no\nUsePAM no\nPidFile none\n");
        directory.write("ssh_config", "Host device\nProxyCommand " DEVKEY_SOURCE_DIR
                                      "/tests/fleet/sshd_here " +
                                          sshd() + " " + directory.file("sshd_config") + "\nIdentityFile " +
                                          directory.file("key") + "\nIdentitiesOnly yes\nIdentityAgent none" +
                                          "\nUserKnownHostsFile " + directory.file("known_hosts") +
                                          "\nStrictHostKeyChecking accept-new\nBatchMode yes\n");
        make(1, 1);
        auto lines = fakes::content_of(inventory());
        lines.replace(lines.find("press-01 press-01"), 17, "press-01 device");
        fakes::put(inventory(), lines);
    }
    /// What a script is told of the way to the device.
    Words on_the_way(Words words) const {
        words.insert(words.end(), {"--ssh", ssh(), "--become",
                                   "env PATH=" + directory.file("bin") + ":/usr/bin:/bin:/usr/sbin"});
        return words;
    }
    [[nodiscard]] std::string there(const std::string& script) const {
        return "cd '" + folder("press-01") + "' && " DEVKEY_SOURCE_DIR "/tests/fleet/" + script;
    }
};

TEST_F(RealSsh, CarriesADevicesWholeLife) {
    if (::access(sshd().c_str(), X_OK) != 0)
        GTEST_SKIP()
            << "sshd is missing: export DEVKEY_SSHD=$(tools/unpack openssh-server usr/sbin/sshd build/sshd)";
    prepare();
    const bool has_folder = std::filesystem::exists("/run/sshd");
    const auto ready =
        run(on_the_way({"provision", inventory(), "--user", "", "--start", there("start_here")}));
    ASSERT_EQ(ready.exit_code, 0) << ready.out << word("press-01", "detail");
    EXPECT_EQ(keys(), each(1));
    EXPECT_EQ(fakes::content_of(folder("press-01") + "/etc/owner-secret"), password);
    const auto told = run(on_the_way({"status", inventory()}));
    EXPECT_EQ(told.exit_code, 0) << told.out << told.err;

    const std::string reason = "it's \"over\"; $HOME `id` \\ * ö";
    const auto rotated = run(on_the_way({"rotate", inventory(), "--reason", reason}));
    EXPECT_EQ(rotated.exit_code, 0) << rotated.out << rotated.err;
    EXPECT_EQ(call({directory.file("bin") + "/devkeyctl", "--socket", folder("press-01") + "/control.sock",
                    "history"}),
              0);
    EXPECT_TRUE(fakes::content_of(directory.file("call.out")).contains(reason))
        << fakes::content_of(directory.file("call.out"));

    const auto retired = run(on_the_way({"retire", "press-01", "--stop", there("stop_here")}));
    EXPECT_EQ(retired.exit_code, 0) << retired.out << retired.err;
    EXPECT_TRUE(keys().empty());
    EXPECT_EQ(std::filesystem::exists("/run/sshd"), has_folder);
}

}  // namespace
}  // namespace devkey::fleet
