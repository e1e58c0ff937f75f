// The credential socket of the real daemon, asked as systemd asks: as root, from an address with the unit's
// name.
#include <sys/syscall.h>

#include <deque>

#include "e2e/ctl.hpp"
#include "fakes/credential_client.hpp"

namespace devkey::e2e {
namespace {

using Asker = fakes::CredentialClient;

/// A device with its first key, whose daemon runs and gives the key to taker.service.
struct CredentialSocket : Ctl {
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "only root may ask";
        Ctl::SetUp();
        list("taker.service, many@.service");
        start_ready();
    }
    /// Who may have the key, from the next start or reload on.
    void list(const std::string& units) {
        device.more_lines = "credential_socket: {path: " + path() + ", units: [" + units + "]}\n";
        device.write_settings();
    }
    [[nodiscard]] std::string path() const { return device.directory.file("credential.sock"); }
    [[nodiscard]] std::string ask(const std::string& unit) const {
        return Asker(path(), fakes::name_for(unit)).rest();
    }
    [[nodiscard]] std::string published() const { return fakes::content_of(device.credential_file()); }
    void expect_refused(const std::string& unit, const std::string& why) {
        EXPECT_TRUE(fakes::refuses(ask(unit))) << unit;
        EXPECT_TRUE(logs("credential-refused: the key was asked for, and not given: " + why)) << log();
    }
};

TEST_F(CredentialSocket, GivesAListedUnitTheCredentialFile) {
    EXPECT_EQ(ask("taker.service"), published());
    EXPECT_EQ(ask("many@7.service"), published());
    EXPECT_TRUE(
        logs("credential-given: a unit that starts got the key (unit=taker.service, "
             "credential=api-key, key_id=" +
             device.credential("key_id")))
        << log();
    EXPECT_EQ(ctl({"rotate", "--wait"}).exit_code, 0);
    EXPECT_EQ(ask("taker.service"), published());
    expect_second_generation();
    EXPECT_TRUE(logs("generation=2"));
    EXPECT_FALSE(log().contains(old_key));
    EXPECT_FALSE(log().contains(device.credential("key")));
    EXPECT_FALSE(ctl({"history"}).out.contains("credential-given"));
}

TEST_F(CredentialSocket, WaitsNeitherForTheServiceNorForTheWorker) {
    const auto gate = std::make_shared<fakes::Gate>();
    service.faults.at("POST", "/auth/api_keys", fakes::delay_before(gate));
    EXPECT_EQ(ctl({"rotate"}).exit_code, 0);
    ASSERT_TRUE(gate->reached()) << log();
    EXPECT_EQ(ask("taker.service"), published());
    gate->open();
}

TEST_F(CredentialSocket, RefusesEverybodyElseAndSaysSo) {
    expect_refused("other.service", "credential_socket.units doesn't list the unit");
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(fakes::refuses(ask("other.service")));
    EXPECT_TRUE(fakes::refuses(Asker(path(), "").rest()));
    EXPECT_TRUE(logs("it isn't systemd that asks")) << log();
    daemon->end(SIGTERM);
    EXPECT_TRUE(log().contains("(count=3, unit=other.service)")) << log();
    EXPECT_FALSE(log().contains("credential-given"));
}

TEST_F(CredentialSocket, RefusesOtherUsersAlsoWhereTheFileLetsThemIn) {
    std::string answer;
    const auto as_nobody = [&] {
        std::thread([&] {
            // Of this thread alone: the C library's call would change all.
            ASSERT_EQ(::syscall(SYS_setresuid, 65534, 65534, 65534), 0);
            try {
                answer = ask("taker.service");
            } catch (const std::runtime_error& error) {
                answer = error.what();
            }
        }).join();
        return answer;
    };
    ::chmod(device.directory.path.c_str(), 0711);
    EXPECT_EQ(as_nobody(), "can't connect");
    ::chmod(path().c_str(), 0666);
    EXPECT_TRUE(fakes::refuses(as_nobody()));
    EXPECT_TRUE(logs("only root may ask, as systemd does (uid=65534")) << log();
    EXPECT_FALSE(log().contains("taker.service"));
}

TEST_F(CredentialSocket, GivesNoKeyThatIsOffOrGone) {
    EXPECT_EQ(ctl({"disable", "--wait"}).exit_code, 0);
    expect_refused("taker.service", "there is no key to give: the device's key is switched-off");
    EXPECT_EQ(ctl({"decommission"}).exit_code, 0);
    EXPECT_TRUE(fakes::wait_until([&] { return !is_asked(); })) << log();
    expect_refused("many@1.service", "there is no key to give: the device has no key");
}

TEST_F(CredentialSocket, FollowsTheSettingsWithAReload) {
    list("other.service");
    EXPECT_EQ(ctl({"reload"}).exit_code, 0);
    EXPECT_TRUE(fakes::refuses(ask("taker.service")));
    EXPECT_EQ(ask("other.service"), published());
    list("");
    EXPECT_EQ(ctl({"reload"}).exit_code, 0);
    EXPECT_TRUE(fakes::wait_until([&] { return !std::filesystem::exists(path()); }));
    list("taker.service");
    EXPECT_EQ(ctl({"reload"}).exit_code, 0);
    EXPECT_TRUE(fakes::wait_until([&] { return std::filesystem::exists(path()); }));
    EXPECT_EQ(ask("taker.service"), published());
    daemon->end(SIGTERM);
    EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(CredentialSocket, ASighupMakesDeletedSocketsAnew) {
    const auto control = device.control_socket();
    std::filesystem::remove(path());
    std::filesystem::remove(control);
    daemon->signal(SIGHUP);
    EXPECT_TRUE(fakes::wait_until(
        [&] { return std::filesystem::exists(path()) && std::filesystem::exists(control); }));
    EXPECT_EQ(ask("taker.service"), published());
    EXPECT_EQ(ctl({"status"}).exit_code, 0);
}

TEST_F(CredentialSocket, ThoseWhoDoNotReadHoldNobodyUp) {
    std::deque<Asker> silent;
    for (int i = 0; i < 100; ++i) silent.emplace_back(path(), "");
    EXPECT_EQ(ask("taker.service"), published());
    EXPECT_EQ(ctl({"rotate", "--wait"}).exit_code, 0);
    EXPECT_EQ(ask("taker.service"), published());
}

}  // namespace
}  // namespace devkey::e2e
