// --decommission and --recommission of a device whose settings name another owner since.
#include "e2e/requests.hpp"

namespace devkey::e2e {
namespace {

/// The settings name another owner than the state.
struct AskedUnderAnotherOwner : Asked {
    void SetUp() override {
        Asked::SetUp();
        change_settings("site-7@example.com", "site-8@example.com");
        asked = service.served().size();
    }
    void expect_left_alone() const {
        expect_no_secret();
        EXPECT_TRUE(state()->has("decommissioned_at"));
        EXPECT_FALSE(is_asked());
        EXPECT_EQ(service.key_names(), Names{old_name});
        EXPECT_TRUE(service.takes(old_key));
        EXPECT_EQ(service.served().size(), asked);
    }
    std::size_t asked = 0;
};

TEST_F(AskedUnderAnotherOwner, DecommissionForgetsTheSecretsAndLeavesTheKey) {
    const auto run = device.run("--decommission");
    EXPECT_EQ(run.exit_code, EX_CONFIG) << run.err << run.out;
    EXPECT_EQ(run.reason, "identity-changed") << run.out;
    EXPECT_TRUE(run.changed);
    EXPECT_TRUE(run.out.contains(old_name)) << run.out;
    EXPECT_TRUE(run.out.contains("--recommission leaves them behind")) << run.out;
    expect_left_alone();
    device.write_settings();  // the setting returns
    EXPECT_EQ(device.once().reason, "decommissioned");
    expect_out_of_service();
}

TEST_F(AskedUnderAnotherOwner, DecommissionIsDoneAsFarByTheDaemonThatRuns) {
    start_daemon();
    ASSERT_TRUE(logs("identity-changed")) << log();
    const auto run = device.run("--decommission");
    EXPECT_EQ(run.exit_code, EX_TEMPFAIL) << run.err << run.out;
    EXPECT_EQ(run.reason, "asked") << run.out;
    EXPECT_TRUE(run.changed);
    EXPECT_TRUE(run.out.contains(old_name)) << run.out;
    expect_left_alone();
    EXPECT_TRUE(logs("--recommission leaves them behind")) << log();
    EXPECT_TRUE(daemon->is_running());
}

TEST_F(AskedUnderAnotherOwner, RecommissionStartsAnewThere) {
    ASSERT_TRUE(service.store->add_user({"user-2", app, "local-userpass", "site-8@example.com",
                                         server::hash_password(core::Secret{password})}));
    EXPECT_EQ(device.run("--decommission").exit_code, EX_CONFIG);
    const auto run = device.run("--recommission");
    EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
    EXPECT_EQ(run.result, "provisioned") << run.out;
    EXPECT_TRUE(run.err.contains("left behind")) << run.err;
    EXPECT_TRUE(run.err.contains(old_name)) << run.err;
    expect_second_generation();
    EXPECT_EQ(service.key_names(), Names{old_name});
    EXPECT_TRUE(service.takes(old_key));
    EXPECT_EQ(service.store->keys("user-2").value().size(), 1U);
}

}  // namespace
}  // namespace devkey::e2e
