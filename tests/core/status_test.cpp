// How the device fares, in one word.
#include "core/status.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace devkey::core {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

constexpr Instant start{days{20'000}};

struct HealthTest : testing::Test {
    HealthTest() {
        state.current.emplace();
        state.current->key = {.id = "k", .name = "n", .generation = 1, .secret = Secret{"s"}};
        state.current->published_at = start;
        policy.watchdog.key_login = 6h;
        policy.watchdog.key_listed = 24h;
    }
    [[nodiscard]] std::string at(Instant now) const {
        auto status = status_of(policy, state, {now, ClockTrust::Server});
        status.usable = usable;
        status.decision.reason = reason;
        return std::string(name_of(health_of(status)));
    }

    State state;
    Policy policy;
    bool usable = true;
    Reason reason = Reason::Healthy;
};

TEST_F(HealthTest, IsTheAgeOfTheLastProofAgainstThePolicy) {
    EXPECT_EQ(at(start + 12h), "healthy");
    EXPECT_EQ(at(start + 12h + 1ms), "degraded");
    state.current->logged_in_at = start + 6h;
    EXPECT_EQ(at(start + 18h), "healthy");
    state.current->listed_at = start + 10h;
    EXPECT_EQ(at(start + 22h), "healthy");
    policy.watchdog.key_login.reset();
    EXPECT_EQ(at(start + 58h), "healthy");
    EXPECT_EQ(at(start + 59h), "degraded");
    policy.watchdog.key_listed.reset();
    EXPECT_EQ(at(start + days{1000}), "healthy") << "the policy asks for no proof";
}

TEST_F(HealthTest, AListThatSaysDisabledProvesNothing) {
    state.current->standing = Standing::DisabledOutside;
    state.current->listed_at = start + 10h;
    EXPECT_EQ(status_of(policy, state, {start, ClockTrust::Server}).key->proven_at, start);
}

TEST_F(HealthTest, FailsWithoutAKeyThatWorks) {
    usable = false;
    EXPECT_EQ(at(start), "failing");
    usable = true;
    for (const auto standing : {Standing::DisabledOutside, Standing::DeletedOutside, Standing::SwitchedOff}) {
        state.current->standing = standing;
        EXPECT_EQ(at(start), "failing");
    }
    state.current.reset();
    EXPECT_EQ(at(start), "failing");
}

TEST_F(HealthTest, IsDegradedWhileSomethingWaits) {
    reason = Reason::ServiceUnavailable;
    EXPECT_EQ(at(start), "degraded");
}

TEST_F(HealthTest, OfAStatusGrowsOldWhileNobodyLooks) {
    auto status = status_of(policy, state, {start, ClockTrust::Server});
    status.usable = true;
    EXPECT_EQ(later(status, 12h).health, core::Health::Healthy);
    EXPECT_EQ(later(status, 13h).health, core::Health::Degraded);
    EXPECT_EQ(later(status, 13h).now, start + 13h);
}

TEST_F(HealthTest, IsExplainedAlsoWhereOnlyTheProofIsTooOld) {
    auto status = status_of(policy, state, {start, ClockTrust::Server});
    status.usable = true;
    EXPECT_TRUE(headline_of(later(status, 12h)).starts_with("healthy: "));
    const auto old = later(status, 13h);
    EXPECT_TRUE(headline_of(old).starts_with("degraded: ")) << headline_of(old);
    EXPECT_TRUE(headline_of(old).ends_with(": but the last proof that the key works is too old"));
    status.decision.reason = Reason::ServiceUnavailable;
    status.decision.detail = "no route";
    EXPECT_EQ(headline_of(later(status, 13h)),
              "service-unavailable: the service gave no usable answer: no route");
}

TEST_F(HealthTest, OutOfServiceIsNoFailure) {
    state.current.reset();
    state.decommissioned_at = start;
    EXPECT_EQ(at(start), "out-of-service");
}

}  // namespace
}  // namespace devkey::core
