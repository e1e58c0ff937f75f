// A device that has its first key, and whose program is watched by a dead man's switch.
#pragma once

#include <gtest/gtest.h>

#include "fakes/world.hpp"

namespace devkey::engine {

struct WatchedDevice : testing::Test {
    WatchedDevice() { prepare(world); }
    static void prepare(fakes::World& world) {
        using core::HeartbeatPolicy;
        world.setup.policy.watchdog.heartbeat = HeartbeatPolicy{.file = "/run/alive",
                                                                .stale_after = std::chrono::hours{72},
                                                                .then = HeartbeatPolicy::Then::Disable};
        world.settle(Trigger::Start);
        world.service.called.clear();
    }
    [[nodiscard]] const core::State& state() const { return *world.store.state; }
    [[nodiscard]] bool is_enabled() const { return world.service.keys.at(state().current->key.id).enabled; }
    Snapshot ask(core::Request request) {
        world.request = request;
        return world.settle(Trigger::Retry);
    }

    fakes::World world;
};

}  // namespace devkey::engine
