// What the state tells where no agent has looked yet.
#include "on_disk.hpp"

#include <gtest/gtest.h>

namespace devkey {
namespace {

using core::Reason;

TEST(OnDisk, ADeviceThatLeavesIsDecommissionedWhenItsKeysAreGone) {
    core::State state;
    state.decommissioned_at = core::Instant{};
    state.superseded.push_back({.id = "1", .name = "devkey-d-i-1-n", .generation = 1});
    core::Policy policy;
    auto status = status_on_disk(policy, state, core::Instant{});
    EXPECT_EQ(status.health, core::Health::OutOfService);
    EXPECT_EQ(status.decision.reason, Reason::DecommissionAsked);

    state.superseded.front().disabled_at = core::Instant{};
    EXPECT_EQ(status_on_disk(policy, state, core::Instant{}).decision.reason, Reason::DecommissionAsked);
    policy.decommission = core::Policy::Decommission::Disable;
    EXPECT_EQ(status_on_disk(policy, state, core::Instant{}).decision.reason, Reason::Decommissioned);
    state.superseded.clear();
    EXPECT_EQ(status_on_disk({}, state, core::Instant{}).decision.reason, Reason::Decommissioned);
}

}  // namespace
}  // namespace devkey
