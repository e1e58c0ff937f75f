// devkeyctl plan and status, with a daemon and without: the real programs.
#include <sys/stat.h>

#include "e2e/ctl.hpp"

namespace devkey::e2e {
namespace {

struct Plan : Ctl {
    [[nodiscard]] static Names actions(const Told& told) {
        Names actions;
        const auto steps = told.json()->getArray("steps");
        for (unsigned at = 0; at < steps->size(); ++at)
            actions.push_back(steps->getObject(at)->getValue<std::string>("action"));
        return actions;
    }
    [[nodiscard]] static bool has(const Names& names, const std::string& name) {
        return std::ranges::find(names, name) != names.end();
    }
    [[nodiscard]] std::vector<std::string> by_config(std::vector<std::string> words) const {
        words.insert(words.end(), {"--config", device.directory.file("devkeyd.yaml")});
        return words;
    }
    /// Of a month: the key is replaced and the old one let go, and nothing is done about it now.
    void expect_a_month(const Told& told) const {
        EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
        const auto actions = Plan::actions(told);
        for (const auto* action : {"check-login", "check-listed", "create", "publish", "disable-key"})
            EXPECT_TRUE(has(actions, action)) << action << told.out;
        EXPECT_LE(actions.size(), 12U) << told.out;
        EXPECT_FALSE(told.out.contains(old_key));
        EXPECT_FALSE(told.out.contains(device.secret));
    }
};

TEST_F(Plan, TellsWhatComesAndChangesNothing) {
    start_ready();
    const auto before = device.state_text();
    const auto served = service.served().size();
    expect_a_month(ctl({"plan", "--json", "--at", "+32d"}));
    const auto text = ctl({"plan"});
    EXPECT_EQ(text.exit_code, 0) << text.err;
    EXPECT_TRUE(text.out.contains("check-login   login-check-due: ")) << text.out;
    EXPECT_EQ(device.state_text(), before);
    EXPECT_EQ(service.served().size(), served);
    EXPECT_FALSE(is_asked());
}

TEST_F(Plan, TellsWhatIsAskedFor) {
    start_ready();
    service.stop();
    EXPECT_EQ(ctl({"rotate"}).exit_code, 0);
    const auto told = ctl({"plan", "--json", "--at", "+1h"});
    EXPECT_EQ(actions(told), (Names{"ask-service", "create", "verify", "publish"})) << told.out;
}

TEST_F(Plan, WorksWithoutADaemon) {
    const auto before = device.state_text();
    expect_a_month(ctl(by_config({"plan", "--json", "--at", "32d"})));
    EXPECT_EQ(device.state_text(), before);
    EXPECT_EQ(ctl({"plan", "--config", "/nowhere/devkeyd.yaml"}).exit_code, 69);
    fakes::put(device.state_directory() + "/state.json", "rubbish");
    EXPECT_EQ(actions(ctl(by_config({"plan", "--json"}))), (Names{"hold"}));
    device.more_lines = "nonsense: 1\n";
    device.write_settings();
    const auto told = ctl(by_config({"plan", "--json"}));
    EXPECT_EQ(told.exit_code, 78) << told.out;
    EXPECT_EQ(told.field("error"), "bad-settings");
}

TEST_F(Plan, StatusWorksWithoutADaemonAndSaysSo) {
    const auto told = ctl(by_config({"status", "--json"}));
    EXPECT_EQ(told.exit_code, 69) << told.out << told.err;
    EXPECT_EQ(told.field("health"), "healthy");
    EXPECT_FALSE(told.json()->getObject("agent")->getValue<bool>("running"));
    EXPECT_EQ(told.json()->getObject("key")->getValue<std::string>("name"), old_name);
    EXPECT_FALSE(told.out.contains(old_key));
    const auto text = ctl(by_config({"status"}));
    EXPECT_EQ(text.exit_code, 69);
    EXPECT_TRUE(text.out.contains("agent       not running")) << text.out;
}

TEST_F(Plan, WhoMayNotReadIsTold) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    const auto told = ctl_as_nobody(by_config({"plan"}), "daemon");
    EXPECT_EQ(told.exit_code, 77) << told.out << told.err;
    EXPECT_TRUE(told.err.contains("run devkeyctl as root")) << told.err;
    start_ready();
    EXPECT_EQ(ctl_as_nobody(by_config({"plan"}), "daemon").exit_code, 77);
}

TEST_F(Plan, RootLooksAsTheUserToWhomTheStateBelongs) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    ::chmod(device.directory.path.c_str(), 0711);
    for (const auto& path : {device.state_directory(), device.state_directory() + "/state.json"})
        ASSERT_EQ(::chown(path.c_str(), 2, 2), 0);
    expect_a_month(ctl(by_config({"plan", "--json", "--at", "+32d"})));
}

TEST_F(Plan, LooksFourHundredDaysAheadAtMost) {
    for (const auto* at : {"+401d", "soon", "", "+"})
        EXPECT_EQ(ctl({"plan", "--at", at}).exit_code, 64) << at;
}

}  // namespace
}  // namespace devkey::e2e
