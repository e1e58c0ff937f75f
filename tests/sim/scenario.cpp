#include "sim/scenario.hpp"

#include <chrono>

namespace devkey::sim {

using core::Policy;
using std::chrono::days;
using namespace std::chrono_literals;

namespace {

void make_rotation(Dice& dice, core::RotatePolicy& rotate) {
    rotate.after = dice.one_of<Millis>({days{1}, days{3}, days{7}, days{14}, days{30}});
    if (dice.chance(150)) rotate.after.reset();
    rotate.jitter_percent = dice.one_of({0U, 10U, 50U});
    if (dice.chance(300))
        rotate.windows = {
            *core::parse_window(dice.one_of({"02:00-05:00", "Mon..Fri 22:00-02:00", "Sat,Sun 10:00-11:00"}))};
    rotate.local_time = dice.chance(500);
}

void make_watchdog(Dice& dice, core::WatchdogPolicy& watchdog) {
    watchdog.jitter_percent = dice.one_of({0U, 10U, 50U});
    watchdog.credential_file = !dice.chance(100);
    watchdog.key_login = dice.one_of<Millis>({6h, 24h, days{3}});
    if (dice.chance(150)) watchdog.key_login.reset();
    watchdog.key_listed = dice.one_of<Millis>({12h, 24h, days{3}});
    if (dice.chance(150)) watchdog.key_listed.reset();
}

void make_heartbeat(Dice& dice, core::WatchdogPolicy& watchdog) {
    using Heartbeat = core::HeartbeatPolicy;
    if (!dice.chance(400)) return;
    watchdog.heartbeat =
        Heartbeat{.file = "/run/alive",
                  .stale_after = dice.one_of<Millis>({1h, 24h, days{3}}),
                  .then = dice.one_of({Heartbeat::Then::Disable, Heartbeat::Then::Disable,
                                       Heartbeat::Then::Rotate, Heartbeat::Then::Alert}),
                  .on_return = dice.one_of(
                      {Heartbeat::OnReturn::Enable, Heartbeat::OnReturn::Enable, Heartbeat::OnReturn::Hold})};
}

void make_hooks(Dice& dice, core::HooksPolicy& hooks) {
    const auto hook = [&](unsigned required) -> std::optional<core::Hook> {
        if (!dice.chance(250)) return std::nullopt;
        return core::Hook{.run = {"/bin/tell"}, .required = dice.chance(required)};
    };
    hooks = {.after_publish = hook(500), .before_disable = hook(500), .on_failure = hook(0)};
}

Policy draw_policy(Dice& dice) {
    Policy policy;
    make_hooks(dice, policy.hooks);
    make_rotation(dice, policy.rotate);
    make_watchdog(dice, policy.watchdog);
    make_heartbeat(dice, policy.watchdog);
    policy.decommission = dice.one_of(
        {Policy::Decommission::Delete, Policy::Decommission::Delete, Policy::Decommission::Disable});
    policy.verify_patience = dice.one_of<Millis>({0s, 5s, 30s, 2min});
    using Then = core::SupersededPolicy::Then;
    policy.superseded = {.keep_enabled = dice.one_of<Millis>({0s, 1h, 6h, 24h, days{4}}),
                         .then = dice.one_of({Then::Disable, Then::Disable, Then::Delete}),
                         .delete_after = dice.one_of<Millis>({0s, 1h, 24h, days{7}})};
    using Other = core::OtherInstallationsPolicy::Action;
    policy.other_installations = {.action = dice.one_of({Other::Report, Other::Disable, Other::Delete}),
                                  .after = dice.one_of<Millis>({0s, 24h, days{10}})};
    using Changes = core::OutsideChangesPolicy;
    policy.outside_changes = {.disabled = dice.one_of({Changes::Disabled::Hold, Changes::Disabled::Enable,
                                                       Changes::Disabled::Replace}),
                              .deleted = dice.one_of({Changes::Deleted::Hold, Changes::Deleted::Replace})};
    return policy;
}

}  // namespace

Policy random_policy(Dice& dice, const core::Capabilities& service) {
    for (;;) {
        Policy policy = draw_policy(dice);
        if (core::problems_of(policy, service).empty()) return policy;
    }
}

void make_service(Dice& dice, Cloud& cloud) {
    cloud.can.unique_names = !dice.chance(200);
    cloud.can.can_disable = !dice.chance(100);
    cloud.can.keys_per_owner = dice.one_of<std::size_t>({20, 20, 20, 6, 0});
    cloud.can.read_lag = 15s;
    cloud.can.late_landing = 5min;
    cloud.can.longest_name = dice.one_of<std::size_t>({64, 64, 32});
    cloud.lag = dice.one_of<Millis>({0s, 0s, 2s, 15s});
    cloud.longest_delay = dice.one_of<Millis>({2s, 30s, 5min});
    cloud.limit_first = dice.chance(300);
    cloud.climate = dice.one_of({0U, 10U, 50U, 200U});
}

void make_program(Dice& dice, const core::WatchdogPolicy& watchdog, Program& program) {
    if (!watchdog.heartbeat) return;
    program.on_disk = dice.chance(500);
    // The sparsest leaves a policy of one hour two minutes to spare.
    program.every = watchdog.heartbeat->stale_after / 100 * dice.one_of({0, 0, 30, 80, 97});
}

engine::Setup random_setup(Dice& dice, const core::Capabilities& service, std::size_t number) {
    const auto device = "dev-" + std::to_string(number);
    return {.policy = random_policy(dice, service),
            .identity = {"https://keys.example", "app", "local-userpass:alice", device},
            .key_prefix = "devkey",
            .machine = dice.chance(200) ? std::string{} : "machine-" + std::to_string(number),
            .built_at = core::Instant{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}}};
}

}  // namespace devkey::sim
