// devkeyctl check against the real service: what is wrong is named, with its remedy, and nothing is left
// open.
#include <sys/stat.h>

#include "e2e/ctl.hpp"
#include "e2e/people.hpp"

namespace devkey::e2e {
namespace {

struct Check : Ctl {
    [[nodiscard]] Told check() {
        return ctl({"check", "--json", "--config", device.directory.file("devkeyd.yaml")});
    }
    [[nodiscard]] static Poco::JSON::Object::Ptr finding(const Told& told, const std::string& name) {
        const auto checks = told.json()->getArray("checks");
        for (unsigned at = 0; at < checks->size(); ++at)
            if (checks->getObject(at)->getValue<std::string>("name") == name) return checks->getObject(at);
        return new Poco::JSON::Object;
    }
    [[nodiscard]] static std::string result(const Told& told, const std::string& name) {
        return finding(told, name)->optValue<std::string>("result", "missing");
    }
    void expect_failed(const Told& told, const std::string& name, const std::string& detail) const {
        EXPECT_EQ(told.exit_code, 1) << told.out << told.err;
        EXPECT_EQ(result(told, name), "failed") << told.out;
        EXPECT_TRUE(finding(told, name)->getValue<std::string>("detail").contains(detail)) << told.out;
        EXPECT_NE(finding(told, name)->optValue<std::string>("remedy", ""), "") << told.out;
        EXPECT_FALSE(told.out.contains(old_key));
        EXPECT_FALSE(told.out.contains(device.secret));
    }
};

TEST_F(Check, FindsNothingWrongAndLeavesNothingOpen) {
    service.start(service.authority.issue("127.0.0.1", 90L * 24 * 3600));
    const auto before = device.state_text();
    const auto told = check();
    EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
    for (const auto* name : {"settings", "files", "state", "disk", "name", "tls", "log-in", "key", "quota"})
        EXPECT_EQ(result(told, name), "ok") << name << told.out;
    EXPECT_EQ(result(told, "agent"), "warning");
    EXPECT_EQ(service.count_of("DELETE session 204"), service.count_of("POST login 200")) << told.out;
    EXPECT_EQ(device.state_text(), before);
    EXPECT_EQ(service.keys().size(), 1U);
    start_ready();
    EXPECT_EQ(result(check(), "agent"), "ok");
}

TEST_F(Check, WarnsOfACertificateThatEndsSoon) {
    const auto told = check();  // the test's own is good for an hour
    EXPECT_EQ(told.exit_code, 0) << told.out;
    EXPECT_EQ(result(told, "tls"), "warning") << told.out;
}

TEST_F(Check, NamesAnotherAuthorityAndAnExpiredCertificate) {
    service.start(service.authority.issue("127.0.0.1", -60));
    expect_failed(check(), "tls", "expired");
    service.start(service.authority.self_signed("127.0.0.1"));
    const auto told = check();
    expect_failed(told, "tls", "not accepted");
    EXPECT_EQ(result(told, "log-in"), "skipped");
    service.stop();
    expect_failed(check(), "tls", "can't connect");
}

TEST_F(Check, NamesAWrongPasswordAndStillLooksAtTheKey) {
    device.give_secret("not the password");
    const auto told = check();
    expect_failed(told, "log-in", "401");
    EXPECT_EQ(result(told, "key"), "ok") << told.out;
    EXPECT_EQ(result(told, "quota"), "skipped") << told.out;
}

TEST_F(Check, NamesAKeyThatIsDisabled) {
    OwnerSession(service.port(), device.ca_file, owner, password).disable(service.keys().front().id);
    expect_failed(check(), "key", "doesn't log in");
}

TEST_F(Check, NamesFilesThatCanNotBeUsed) {
    ::chmod(device.directory.file("owner-secret").c_str(), 0644);
    const auto told = check();
    expect_failed(told, "files", "owner-secret");
    EXPECT_EQ(result(told, "name"), "ok") << told.out;
    device.write_settings();
    fakes::put(device.state_directory() + "/state.json", "rubbish");
    expect_failed(check(), "state", "state.json");
}

TEST_F(Check, SaysWhatIsWrongWithTheSettings) {
    device.more_lines = "nonsense: 1\n";
    device.write_settings();
    const auto told = check();
    expect_failed(told, "settings", "nonsense");
    EXPECT_EQ(result(told, "tls"), "skipped");
    EXPECT_EQ(ctl({"check", "--config", "/nowhere.yaml"}).exit_code, 1);
}

TEST_F(Check, ACredentialOfTheUnitIsSkippedWithTheWayToIt) {
    device.secret_source = "credential: owner-secret";
    device.write_settings();
    const auto told = check();
    EXPECT_EQ(told.exit_code, 0) << told.out;
    EXPECT_EQ(result(told, "log-in"), "skipped") << told.out;
    EXPECT_TRUE(finding(told, "log-in")->getValue<std::string>("remedy").contains("systemd-run"));
    EXPECT_EQ(result(told, "key"), "ok");
}

}  // namespace
}  // namespace devkey::e2e
