// devkeyd as a service: when it is ready, what its status says, what its files' changes and its settings' do,
// and that there is only one.
#include <gtest/gtest.h>
#include <sysexits.h>

#include "e2e/device.hpp"
#include "e2e/service.hpp"

namespace devkey::e2e {
namespace {

using fakes::content_of;
using fakes::wait_until;

struct RunningDaemon : testing::Test {
    RunningDaemon() { device.write_settings(); }

    /// Healthy, and told so.
    void start_healthy() {
        daemon.emplace(device);
        ASSERT_TRUE(daemon->tells("STATUS=healthy")) << daemon->process().errors();
        ASSERT_TRUE(wait_until([&] { return daemon->told().contains("READY=1"); }));
        whole = content_of(device.credential_file());
        requests = service.served().size();
    }
    [[nodiscard]] std::string log() { return daemon->process().errors(); }
    [[nodiscard]] unsigned mode() const {
        struct stat facts{};
        return ::stat(device.credential_file().c_str(), &facts) == 0 ? facts.st_mode & 07777U : 0;
    }
    /// In the settings' text alone: write_settings touches the owner's secret, too.
    void replace_in_settings(const std::string& old, const std::string& with) const {
        const auto file = device.directory.file("devkeyd.yaml");
        auto text = content_of(file);
        fakes::put(file, text.replace(text.find(old), old.size(), with));
    }
    /// Waits for the credential file that was there, with its mode. And that nobody was asked for it.
    [[nodiscard]] bool is_restored(unsigned with_mode = 0600) {
        return wait_until(
                   [&] { return mode() == with_mode && content_of(device.credential_file()) == whole; }) &&
               daemon->tells("STATUS=healthy") && service.served().size() == requests;
    }

    Service service;
    Device device{service.url(), service.authority.ca_file()};
    std::optional<Daemon> daemon;
    std::string whole;  ///< what the credential file held in the beginning
    std::size_t requests = 0;
};

// ---- READY and STATUS

TEST_F(RunningDaemon, IsReadyOnceAUsableCredentialIsOnDisk) {
    const auto gate = std::make_shared<fakes::Gate>();
    service.faults.at("POST", "/providers/api-key/login", fakes::delay_after(gate));
    daemon.emplace(device);
    ASSERT_TRUE(gate->reached());  // the key exists and is about to be proven
    EXPECT_FALSE(daemon->told().contains("READY=1"));
    EXPECT_FALSE(device.has_credential());
    gate->open();
    ASSERT_TRUE(daemon->tells("READY=1")) << log();
    EXPECT_EQ(mode(), 0600U);
    EXPECT_TRUE(service.takes(device.credential("key")));
}

TEST_F(RunningDaemon, SaysWhyItIsNotReady) {
    service.stop();
    daemon.emplace(device);
    ASSERT_TRUE(daemon->tells("STATUS=service-unavailable: ")) << log();
    EXPECT_TRUE(daemon->tells("can't connect to 127.0.0.1:")) << daemon->told();
    EXPECT_FALSE(daemon->told().contains("READY=1"));
    EXPECT_TRUE(daemon->process().is_running());
}

TEST_F(RunningDaemon, IsReadyAgainAfterARestartWithoutTheService) {
    start_healthy();
    EXPECT_EQ(daemon->process().end(SIGTERM), 0);
    EXPECT_TRUE(daemon->told().contains("STOPPING=1"));
    daemon.reset();
    service.stop();
    start_healthy();
    EXPECT_EQ(requests, 7U);
    EXPECT_EQ(daemon->process().end(SIGTERM), 0);
}

// ---- a wrong password: its back-off is five minutes, longer than any wait of this test

struct WrongPassword : RunningDaemon {
    void SetUp() override {
        device.secret = "wrong horse";
        device.write_settings();
        daemon.emplace(device);
        ASSERT_TRUE(daemon->tells("STATUS=owner-refused: ")) << log();
        EXPECT_FALSE(daemon->told().contains("READY=1"));
        EXPECT_EQ(service.count_of("POST login 401"), 1U);
    }
    void expect_a_key() {
        ASSERT_TRUE(daemon->tells("READY=1")) << log();
        EXPECT_TRUE(service.takes(device.credential("key")));
        EXPECT_EQ(service.count_of("POST login 401"), 1U);
        EXPECT_EQ(service.keys().size(), 1U);
    }
};

TEST_F(WrongPassword, IsForgottenWhenTheSecretsFileChanges) {
    device.give_secret(password);
    expect_a_key();
}

TEST_F(WrongPassword, IsForgottenWhenTheSecretsFileIsWrittenInPlace) {
    fakes::put(device.directory.file("owner-secret"), password);
    ASSERT_TRUE(daemon->tells("READY=1")) << log();
    EXPECT_TRUE(service.takes(device.credential("key")));
}

// The file is another one, named by settings that only the reload reads: nothing else ends the wait.
TEST_F(WrongPassword, IsForgottenAtSighup) {
    const auto other = device.directory.file("other-secret");
    fakes::put(other, password);
    ::chmod(other.c_str(), 0600);
    replace_in_settings(device.directory.file("owner-secret"), other);
    daemon->process().signal(SIGHUP);
    expect_a_key();
}

// The command's answer isn't watched, and nothing else of the new settings can be used.
TEST_F(RunningDaemon, ForgetsAWrongPasswordAtSighupThoughTheSettingsAreWrong) {
    device.secret = "wrong horse";
    device.secret_source =
        "command:\n      run: [/bin/cat, \"" + device.directory.file("owner-secret") + "\"]";
    device.write_settings();
    daemon.emplace(device);
    ASSERT_TRUE(daemon->tells("STATUS=owner-refused: ")) << log();
    device.secret = password;
    device.more_lines = "colour: green\n";
    device.write_settings();
    daemon->process().signal(SIGHUP);
    ASSERT_TRUE(daemon->tells("READY=1")) << log();
    EXPECT_EQ(service.count_of("POST login 401"), 1U);
}

// ---- the credential file

TEST_F(RunningDaemon, RestoresARemovedCredentialFileWithoutARequest) {
    start_healthy();
    std::filesystem::remove(device.credential_file());
    EXPECT_TRUE(is_restored()) << log();
}

TEST_F(RunningDaemon, RestoresAnAlteredCredentialFileWithoutARequest) {
    start_healthy();
    fakes::put(device.credential_file(), "{}");
    EXPECT_TRUE(is_restored()) << log();
    // Replaced, as an editor would.
    fakes::put(device.directory.file("other"), whole + " ");
    std::filesystem::rename(device.directory.file("other"), device.credential_file());
    EXPECT_TRUE(is_restored()) << log();
}

TEST_F(RunningDaemon, RestoresALoosenedCredentialFileWithoutARequest) {
    start_healthy();
    ::chmod(device.credential_file().c_str(), 0644);
    EXPECT_TRUE(is_restored()) << log();
}

// Each time by another hand, many times: no change is missed for good.
TEST_F(RunningDaemon, RestoresTheCredentialFileEachTime) {
    start_healthy();
    for (int round = 0; round < 20; ++round) {
        if (round % 3 == 0) std::filesystem::remove(device.credential_file());
        if (round % 3 == 1) fakes::put(device.credential_file(), "round " + std::to_string(round));
        if (round % 3 == 2) ::chmod(device.credential_file().c_str(), 0666);
        ASSERT_TRUE(is_restored()) << round << log();
    }
}

// ---- SIGHUP

TEST_F(RunningDaemon, TakesGoodSettingsAtSighup) {
    start_healthy();
    device.credential_file_lines = "  mode: \"0640\"\n";
    device.write_settings();
    daemon->process().signal(SIGHUP);
    EXPECT_TRUE(daemon->tells("RELOADING=1\nMONOTONIC_USEC=")) << daemon->told();
    EXPECT_TRUE(daemon->tells("READY=1"));
    EXPECT_TRUE(is_restored(0640)) << log();
}

TEST_F(RunningDaemon, KeepsItsSettingsAtSighupIfTheNewAreWrong) {
    start_healthy();
    device.credential_file_lines = "  mode: \"0640\"\n";
    device.more_lines = "colour: green\n";
    device.write_settings();
    daemon->process().signal(SIGHUP);
    EXPECT_TRUE(daemon->tells("RELOADING=1")) << daemon->told();
    EXPECT_TRUE(daemon->tells("READY=1"));
    EXPECT_NE(log().find("error: bad-settings: "), std::string::npos) << log();
    EXPECT_NE(log().find("colour"), std::string::npos) << log();
    std::filesystem::remove(device.credential_file());
    EXPECT_TRUE(is_restored(0600)) << log();
}

TEST_F(RunningDaemon, SaysThatItKeepsItsSettingsAtSighupIfTheNewAreWrong) {
    start_healthy();
    device.more_lines = "colour: green\n";
    device.write_settings();
    daemon->process().signal(SIGHUP);
    EXPECT_TRUE(daemon->tells("RELOADING=1")) << daemon->told();
    EXPECT_TRUE(daemon->tells("READY=1"));
    EXPECT_NE(log().find("error: settings-kept: the old settings stay in use"), std::string::npos) << log();
}

TEST_F(RunningDaemon, KeepsItsStateDirectoryAtSighup) {
    start_healthy();
    const auto other = device.directory.file("other-state");
    replace_in_settings(device.state_directory(), other);
    daemon->process().signal(SIGHUP);
    EXPECT_TRUE(daemon->tells("RELOADING=1"));
    EXPECT_TRUE(daemon->tells("READY=1"));
    EXPECT_NE(log().find("a changed state_directory needs a restart"), std::string::npos) << log();
    EXPECT_FALSE(std::filesystem::exists(other));
}

// Nothing is changed anywhere; and the settings it had make it healthy again.
TEST_F(RunningDaemon, HoldsAtSighupIfTheSettingsNameAnotherDevice) {
    start_healthy();
    device.device_id = "{literal: bench-2}";
    device.write_settings();
    daemon->process().signal(SIGHUP);
    EXPECT_TRUE(daemon->tells("STATUS=identity-changed: ")) << log();
    EXPECT_EQ(content_of(device.credential_file()), whole);
    device.device_id = "{literal: bench-1}";
    device.write_settings();
    daemon->process().signal(SIGHUP);
    EXPECT_TRUE(daemon->tells("STATUS=healthy")) << log();
    EXPECT_EQ(service.served().size(), requests);
}

// ---- only one

TEST_F(RunningDaemon, LetsNoOtherWorkInItsStateDirectory) {
    start_healthy();
    const auto other = device.once();
    EXPECT_EQ(other.exit_code, EX_TEMPFAIL) << other.err;
    EXPECT_EQ(other.reason, "unavailable");
    EXPECT_NE(other.err.find(device.state_directory() + ": another devkeyd works there"), std::string::npos)
        << other.err;
    Daemon second(device);
    EXPECT_EQ(second.process().wait(), EX_TEMPFAIL);
    EXPECT_EQ(second.told(), "");
    EXPECT_EQ(service.served().size(), requests);
    EXPECT_EQ(content_of(device.credential_file()), whole);
    // The lock goes with its holder, however that ends.
    EXPECT_EQ(daemon->process().end(SIGKILL), -SIGKILL);
    EXPECT_EQ(device.once().exit_code, 0);
}

}  // namespace
}  // namespace devkey::e2e
