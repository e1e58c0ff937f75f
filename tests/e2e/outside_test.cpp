// What others do behind devkeyd's back: they disable or delete its key, or change the owner's password.
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/Session.h>

#include "e2e/life.hpp"

namespace devkey::e2e {
namespace {

using namespace std::chrono_literals;

const std::string by_the_key = "watchdog: {jitter: 0%, key_login: {every: 1s}, key_listed: {every: never}}\n";
const std::string by_the_owner =
    "watchdog: {jitter: 0%, key_login: {every: never}, key_listed: {every: 1s}}\n";

struct OutsideChange : LifeStory {
    /// A daemon that is healthy and has a key older than what a read may lag behind.
    void start_healthy(const std::string& policy) {
        expect_settled_by_a_run();
        age(1h);
        set_policy("rotate: {after: never}\n" + policy);
        start();
        ASSERT_TRUE(tells("healthy")) << log();
        before = published();
    }
    /// Its credential file is as it was, and it made no other key.
    void expect_it_keeps_still() const {
        EXPECT_EQ(published().secret, before.secret);
        EXPECT_EQ(published().at, before.at);
        EXPECT_EQ(service.count_of("POST api_keys 201"), 1U);
    }
    void expect_more_looks() const {
        const auto looked = service.count_of("GET api_keys 200");
        EXPECT_TRUE(fakes::wait_until([&] { return service.count_of("GET api_keys 200") >= looked + 2; }));
    }
    void expect_replaced() {
        const auto after = published("2");
        ASSERT_TRUE(tells("healthy")) << log();
        EXPECT_NE(after.id, before.id);
        EXPECT_TRUE(takes(after.secret));
        EXPECT_FALSE(takes(before.secret)) << "nobody undoes what a person did";
        EXPECT_EQ(service.count_of("POST api_keys 201"), 2U);
    }

    Published before;
};

TEST_F(OutsideChange, ADisabledKeyIsNoticedByItsLogInAndObeyed) {
    start_healthy(by_the_key + "outside_changes: {disabled: hold}\n");
    owner_session().disable(before.id);
    ASSERT_TRUE(tells("key-disabled-outside")) << log();
    EXPECT_FALSE(takes(before.secret));
    expect_it_keeps_still();

    // Where the owner never asks, a refused key tries again less and less often, or when somebody says so.
    owner_session().enable(before.id);
    daemon->process().signal(SIGHUP);
    ASSERT_TRUE(tells("healthy")) << log();
    EXPECT_TRUE(takes(before.secret));
    expect_it_keeps_still();
}

TEST_F(OutsideChange, ADisabledKeyIsNoticedByTheOwnerAndObeyedUntilAPersonEnablesIt) {
    start_healthy(by_the_owner + "outside_changes: {disabled: hold}\n");
    owner_session().disable(before.id);
    ASSERT_TRUE(tells("key-disabled-outside")) << log();
    expect_more_looks();
    EXPECT_FALSE(takes(before.secret));
    expect_it_keeps_still();

    owner_session().enable(before.id);
    ASSERT_TRUE(tells("healthy")) << log();
    EXPECT_TRUE(takes(before.secret));
    expect_it_keeps_still();
}

TEST_F(OutsideChange, ADisabledKeyIsEnabledWhereThePolicySaysSo) {
    start_healthy(by_the_owner + "outside_changes: {disabled: enable}\n");
    owner_session().disable(before.id);
    ASSERT_TRUE(is_served("PUT enable 204", 0)) << log();
    EXPECT_TRUE(takes(before.secret));
    EXPECT_TRUE(fakes::wait_until([&] { return log().contains("key-enabled"); }));
    expect_it_keeps_still();
}

TEST_F(OutsideChange, ADisabledKeyIsReplacedWhereThePolicySaysSo) {
    start_healthy(by_the_key + "outside_changes: {disabled: replace}\n");
    owner_session().disable(before.id);
    expect_replaced();
}

TEST_F(OutsideChange, ADeletedKeyIsNotReplacedByItself) {
    start_healthy(by_the_owner + "outside_changes: {deleted: hold}\n");
    owner_session().remove(before.id);
    ASSERT_TRUE(tells("key-deleted-outside")) << log();
    expect_more_looks();
    expect_it_keeps_still();
    EXPECT_TRUE(service.keys().empty());
    // But when a person asks.
    daemon->process().signal(SIGUSR1);
    EXPECT_TRUE(takes(published("2").secret)) << log();
}

TEST_F(OutsideChange, ADeletedKeyIsReplacedWhereThePolicySaysSo) {
    start_healthy(by_the_key + "outside_changes: {deleted: replace}\n");
    owner_session().remove(before.id);
    expect_replaced();
}

// ---- the owner's password

struct ChangedPassword : OutsideChange {
    /// No call of the protocol, and no command of devkey-server, does it.
    void change_password(const std::string& value) const {
        using namespace Poco::Data::Keywords;
        Poco::Data::SQLite::Connector::registerConnector();
        Poco::Data::Session database("SQLite", service.directory.file("db"));
        auto hash = server::hash_password(core::Secret{value});
        database << "UPDATE users SET password = ? WHERE id = 'user-1'", use(hash), Poco::Data::Keywords::now;
    }
};

TEST_F(ChangedPassword, HoldsUpARotationUntilTheSecretIsChangedToo) {
    start_healthy(by_the_key);
    const std::string fresh = "correct horse 8";
    change_password(fresh);
    daemon->process().signal(SIGUSR1);
    ASSERT_TRUE(tells("owner-refused")) << log();
    EXPECT_TRUE(fakes::wait_until([&] { return log().contains("again_in="); }));

    // The key needs no owner, and nobody hammers.
    const auto checked = service.count_of("POST login 200");
    EXPECT_TRUE(fakes::wait_until([&] { return service.count_of("POST login 200") >= checked + 3; }))
        << log();
    EXPECT_EQ(service.count_of("POST login 401"), 1U);
    EXPECT_TRUE(takes(before.secret));
    expect_it_keeps_still();

    device.give_secret(fresh);
    EXPECT_TRUE(takes(published("2").secret)) << log();
    EXPECT_TRUE(tells("healthy")) << log();
    EXPECT_EQ(service.count_of("POST login 401"), 1U);
    EXPECT_TRUE(takes(before.secret)) << "it is in its grace";
}

}  // namespace
}  // namespace devkey::e2e
