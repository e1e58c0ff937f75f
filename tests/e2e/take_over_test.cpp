// --take-over, with and without a daemon; and requests that nobody can read.
#include "e2e/former_life.hpp"

namespace devkey::e2e {
namespace {

using fakes::content_of;
using fakes::wait_until;

// ---- other installations

using TakeOver = FormerLife;

TEST_F(TakeOver, RemovesTheKeyOfTheFormerLifeAndOnlyThat) {
    const auto key = content_of(device.credential_file());
    const auto run = device.run("--take-over");
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    EXPECT_EQ(run.result, "provisioned") << run.out;
    EXPECT_TRUE(run.changed);
    expect_only_the_first_gone();
    EXPECT_EQ(content_of(device.credential_file()), key);
    const auto again = device.run("--take-over");
    EXPECT_EQ(again.exit_code, 0) << again.err << again.out;
    EXPECT_FALSE(again.changed);
    expect_only_the_first_gone();
}

TEST_F(TakeOver, IsDoneByTheDaemonThatRuns) {
    start_daemon();
    ASSERT_TRUE(logs("healthy")) << log();
    const auto run = device.run("--take-over");
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    EXPECT_EQ(run.result, "done") << run.out;
    EXPECT_TRUE(run.changed);
    expect_only_the_first_gone();
    EXPECT_FALSE(device.run("--take-over").changed) << "there is nobody left";
    EXPECT_TRUE(daemon->is_running());
}

TEST_F(TakeOver, OfADeviceOutOfServiceIsRefusedWithTheRemedyAndForgotten) {
    const auto out = device.run("--decommission");
    EXPECT_EQ(out.exit_code, 0) << out.err << out.out;
    EXPECT_TRUE(out.out.contains(old_name)) << "the former life's key, which stays: " << out.out;
    EXPECT_TRUE(service.takes(old_key));
    const auto expect_refused = [&] {
        const auto run = device.run("--take-over");
        EXPECT_EQ(run.exit_code, EX_UNAVAILABLE) << run.err << run.out;
        EXPECT_EQ(run.reason, "decommissioned") << run.out;
        EXPECT_FALSE(run.changed);
        EXPECT_TRUE(run.out.contains("devkeyd --recommission takes it into service again")) << run.out;
        EXPECT_FALSE(is_asked());
    };
    expect_refused();
    start_daemon();
    ASSERT_TRUE(logs("decommissioned")) << log();
    expect_refused();
    EXPECT_EQ(device.run("--recommission").exit_code, 0);  // it doesn't strike later
    ASSERT_TRUE(wait_until([&] { return device.has_credential(); })) << log();
    EXPECT_TRUE(service.takes(old_key));
}

// ---- what nobody can read

struct BadRequest : Asked, testing::WithParamInterface<std::string> {
    void expect_told(const std::string& text) const {
        EXPECT_NE(text.find("request-unreadable: " + requests_file() + ": "), std::string::npos) << text;
        EXPECT_NE(text.find("remove it, and ask again with devkeyctl"), std::string::npos) << text;
    }
    void expect_untouched() const {
        EXPECT_EQ(content_of(requests_file()), GetParam());
        EXPECT_EQ(device.state_text(), before);
        EXPECT_TRUE(service.takes(old_key));
    }
    std::string before;
};

TEST_P(BadRequest, IsToldAndNothingElseHappens) {
    before = device.state_text();
    const auto whole = content_of(device.credential_file());
    fakes::put(requests_file(), GetParam());
    const auto asked = service.served().size();
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    EXPECT_FALSE(run.changed);
    expect_told(run.err);
    expect_untouched();

    std::filesystem::remove(requests_file());
    start_daemon();
    ASSERT_TRUE(logs("healthy")) << log();
    fakes::put(requests_file(), GetParam());
    EXPECT_TRUE(logs("request-unreadable")) << log();
    EXPECT_TRUE(logs("remove it, and ask again")) << log();
    expect_told(log());
    expect_untouched();
    EXPECT_EQ(service.served().size(), asked);
    std::filesystem::remove(device.credential_file());  // it goes on looking after its key
    EXPECT_TRUE(wait_until([&] { return content_of(device.credential_file()) == whole; })) << log();
    decommission();  // who asks properly gets it
    EXPECT_TRUE(daemon->is_running());
}

INSTANTIATE_TEST_SUITE_P(E2e, BadRequest,
                         testing::Values("", "garbage", "{\"version\": 1, \"request\": \"dance\"}\n",
                                         "{\"version\": 2, \"request\": \"decommission\"}\n",
                                         "{\"version\": 1, \"request\": \"decommission\"",
                                         "{\"version\": 1, \"request\": \"decommission\", \"more\": 1}\n",
                                         std::string(5000, 'x')));

}  // namespace
}  // namespace devkey::e2e
