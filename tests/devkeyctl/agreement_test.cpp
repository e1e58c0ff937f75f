// One truth: what status, its exit code, STATUS=, the metrics and a run's end say of one device is the same.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "control/metrics.hpp"
#include "control/protocol.hpp"
#include "devkeyctl/exit_codes.hpp"
#include "devkeyctl/verbs.hpp"
#include "fakes/world.hpp"
#include "outcome.hpp"

namespace devkey::ctl {
namespace {

using core::ErrorKind;
using core::Health;
using engine::Trigger;
using fakes::World;
using Fault = fakes::Service::Fault;
using namespace std::chrono_literals;
using std::chrono::days;

int exit_code_of(Health health) {
    if (health == Health::Healthy) return exit_done;
    return health == Health::Degraded ? exit_degraded : exit_failing;
}

/// A device with its first key, and the shipped policy.
struct Agreement : testing::Test {
    Agreement() {
        world.setup.policy = core::Policy{};
        world.settle(Trigger::Start);
    }
    /// That all of them say `health` of a status.
    static void expect(Health health, const core::Status& status) {
        const std::string name{core::name_of(health)};
        EXPECT_EQ(core::name_of(status.health), name);
        EXPECT_EQ(core::headline_of(status).starts_with("healthy: "), health == Health::Healthy)
            << core::headline_of(status);
        const auto line = control::format_status(status, {});
        EXPECT_TRUE(line.contains("\"health\":\"" + name + "\"")) << line;
        const auto text = control::format_metrics(line);
        ASSERT_TRUE(text);
        EXPECT_TRUE(text->contains("devkeyd_health{state=\"" + name + "\"} 1\n")) << *text;
        const Terminal terminal{.ask = [&](const auto&) { return core::Result<std::string>{line}; },
                                .out = [](const auto&) {},
                                .note = [](const auto&) {},
                                .now = {},
                                .sleep = {}};
        EXPECT_EQ(ctl::status(terminal), exit_code_of(health));
    }
    /// That, and what --once would end with: 0 never says of a device without a key that it has one.
    void expect(Health health, const engine::Snapshot& snapshot) {
        expect(health, snapshot.status);
        const int code = devkey::exit_code_of(snapshot.decision.reason);
        if (health == Health::Degraded)
            return;  // 0 where it only has to be looked at, another where it waits
        EXPECT_EQ(code == 0, health == Health::Healthy) << core::name_of(snapshot.decision.reason);
    }
    void refuse(const std::string& call, ErrorKind kind) {
        world.service.refusal = {kind, "no"};
        world.service.next(call, std::vector(10'000, Fault::Refuse));
    }

    World world;
};

TEST_F(Agreement, OnADeviceThatIsWell) {
    expect(Health::Healthy, world.settle());
}

TEST_F(Agreement, OnTheAgeOfTheLastProof) {
    const auto status = world.settle().status;
    ASSERT_TRUE(status.proof_lasts);
    const auto rest = *status.key->proven_at + *status.proof_lasts - status.now;
    expect(Health::Healthy, core::later(status, rest));
    expect(Health::Degraded, core::later(status, rest + 1ms));
}

TEST_F(Agreement, OnADeviceThatWasOffForDays) {
    world.clock.advance(days{3});
    world.clock.reboot();
    world.restart();
    expect(Health::Degraded, world.settle(Trigger::Start));
    expect(Health::Healthy, (static_cast<void>(world.live(days{1})), world.settle()));
}

TEST_F(Agreement, OnAServiceThatIsAway) {
    refuse("prove", ErrorKind::Unavailable);
    static_cast<void>(world.live(days{1}));
    expect(Health::Degraded, world.settle());
}

TEST_F(Agreement, OnAKeyThatSomebodyDisabled) {
    world.service.keys.at(world.store.state->current->key.id).enabled = false;
    static_cast<void>(world.live(days{2}));
    expect(Health::Failing, world.settle());
}

TEST_F(Agreement, OnACredentialFileThatCannotBeRestored) {
    world.sink.content.reset();
    world.sink.failing = ErrorKind::Forbidden;
    expect(Health::Failing, world.settle(Trigger::CredentialFile));
}

TEST_F(Agreement, OnADeviceThatNeverGotAKey) {
    World fresh;
    fresh.service.refusal = {ErrorKind::Unauthenticated, "no"};
    fresh.service.next("log_in", std::vector(10'000, Fault::Refuse));
    expect(Health::Failing, fresh.settle(Trigger::Start));
}

TEST_F(Agreement, OnADeviceOutOfService) {
    world.request = core::Request::Decommission;
    expect(Health::OutOfService, world.settle(Trigger::Retry));
}

}  // namespace
}  // namespace devkey::ctl
