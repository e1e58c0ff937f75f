// Fleets whose figures can be counted on fingers, and what the shipped policy does to one.
#include "sim/fleet.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "services/app_services.hpp"
#include "settings/load.hpp"

namespace devkey::sim {
namespace {

using std::chrono::days;
using namespace std::chrono_literals;

/// Nothing is spread, and nothing falls on the same moment but a rotation and the check that it makes
/// needless.
core::Policy plain_policy() {
    core::Policy policy;
    policy.rotate.after = days{30};
    policy.rotate.jitter_percent = 0;
    policy.superseded.keep_enabled = 25h;
    policy.superseded.delete_after = days{7};
    policy.watchdog.jitter_percent = 0;
    policy.watchdog.key_login = 6h;
    policy.watchdog.key_listed.reset();
    return policy;
}

core::Policy shipped_policy() {
    return settings::load_policy(DEVKEY_SHIPPED_POLICY, services::app_services_capabilities()).value();
}

Fleet one_device(core::Policy policy, Millis lasts) {
    return {.policy = std::move(policy),
            .service = services::app_services_capabilities(),
            .devices = 1,
            .per_owner = 1,
            .lasts = lasts,
            .start_within = 0s,
            .power_cut = std::nullopt};
}

Fleet fleet_of(core::Policy policy, std::size_t devices, std::size_t per_owner, Millis lasts) {
    Fleet fleet = one_device(std::move(policy), lasts);
    fleet.devices = devices;
    fleet.per_owner = per_owner;
    fleet.start_within = 1h;
    return fleet;
}

std::uint64_t requests_of_hour(const FleetReport& report, std::size_t hour) {
    const auto first = report.minutes.begin() + static_cast<std::ptrdiff_t>(hour * 60);
    return std::accumulate(first, first + 60, std::uint64_t{0});
}

TEST(OneDevice, MakesTheRequestsThatCanBeCountedOnFingers) {
    const auto report = live_through(one_device(plain_policy(), days{100}));
    EXPECT_EQ(report.rotations, 3U);  // on days 30, 60 and 90
    EXPECT_EQ(report.keys_made, 4U);
    // A key takes location, log-in, list, create, log-in and log-out of the key, and the owner's log-out.
    EXPECT_EQ(requests_of_hour(report, 0), 7U);
    EXPECT_EQ(requests_of_hour(report, 30UL * 24), 7U);
    // A check every 6 hours: location, log-in, log-out.
    EXPECT_EQ(requests_of_hour(report, 6), 3U);
    EXPECT_EQ(requests_of_hour(report, 7), 0U);
    // The old key is disabled, then removed: location, log-in, the change, log-out.
    EXPECT_EQ(requests_of_hour(report, 30UL * 24 + 25), 4U);
    EXPECT_EQ(requests_of_hour(report, 30UL * 24 + 25 + 7UL * 24), 4U);
    const std::uint64_t checks = 3 * (30 * 4 - 1) + (10 * 4 - 1);
    EXPECT_EQ(report.requests(), 4 * 7 + checks * 3 + 3 * (4 + 4));
}

TEST(OneDevice, KeepsItsPeriodAndNeverWaits) {
    const auto report = live_through(one_device(plain_policy(), days{100}));
    EXPECT_EQ(report.shortest_period, days{30});
    EXPECT_EQ(report.longest_period, days{30});
    EXPECT_EQ(report.greatest_age, days{30});
    EXPECT_EQ(report.most_keys, 2U);
    EXPECT_EQ(report.longest_wait, 0s);
    EXPECT_EQ(report.waiting_devices, 0U);
    EXPECT_EQ(report.in_the_end, (std::map<core::Reason, std::size_t>{{core::Reason::Healthy, 1}}));
}

TEST(OneDevice, WhoseKeyIsNeverReplacedOnlyGrowsOlder) {
    auto policy = plain_policy();
    policy.rotate.after.reset();
    const auto report = live_through(one_device(policy, days{100}));
    EXPECT_EQ(report.keys_made, 1U);
    EXPECT_EQ(report.rotations, 0U);
    EXPECT_FALSE(report.longest_period);
    EXPECT_EQ(report.greatest_age, days{100});
}

TEST(OneDevice, MakesUpAfterAPowerCutWhatItMissed) {
    auto fleet = one_device(plain_policy(), days{2});
    fleet.power_cut = PowerCut{.at = 20h, .lasts = 5h};  // the check of hour 24 is missed
    const auto report = live_through(fleet);
    for (std::size_t hour = 20; hour < 25; ++hour) EXPECT_EQ(requests_of_hour(report, hour), 0U) << hour;
    std::uint64_t made_up = 0;
    for (std::size_t hour = 25; hour < 31; ++hour) made_up += requests_of_hour(report, hour);
    EXPECT_EQ(made_up, 3U);
    EXPECT_EQ(report.keys_made, 1U);
}

TEST(Steady, CountsTheHoursFromTheSecondPeriodOnWithoutThePowerCut) {
    auto fleet = one_device(plain_policy(), days{100});
    const auto report = live_through(fleet);
    const auto steady = steady_state(fleet, report);
    EXPECT_EQ(steady.from, days{30});
    EXPECT_EQ(steady.hours, 70U * 24);
    EXPECT_EQ(steady.peak, 7U);
    EXPECT_FALSE(restart_of(fleet, report));
    fleet.power_cut = PowerCut{.at = days{50} + 30min, .lasts = 2h};  // touches three hours, and one follows
    EXPECT_EQ(steady_state(fleet, live_through(fleet)).hours, 70U * 24 - 4);
    fleet.lasts = days{20};
    fleet.power_cut.reset();
    EXPECT_EQ(steady_state(fleet, live_through(fleet)).hours, 0U);
}

TEST(OwnersDevices, ShareTheQuota) {
    const auto report = live_through(fleet_of(plain_policy(), 20, 20, days{40}));
    EXPECT_EQ(report.most_keys, 20U);
    EXPECT_EQ(report.keys_made, 20U);
    EXPECT_EQ(report.waiting_devices, 20U);
    EXPECT_GT(report.longest_wait, days{9});
    EXPECT_EQ(report.in_the_end, (std::map<core::Reason, std::size_t>{{core::Reason::QuotaFull, 20}}));
}

TEST(OwnersDevices, EighteenOfThemKeepTheirPeriodWithinAFifth) {
    const auto report = live_through(fleet_of(shipped_policy(), 36, 18, days{100}), 2);
    EXPECT_GE(report.shortest_period.value(), days{24});
    EXPECT_LE(report.longest_period.value(), days{36});
    EXPECT_LE(report.greatest_age, days{36});
    EXPECT_GE(report.keys_made, 36U * 3);
    EXPECT_EQ(report.most_keys, 20U);
}

TEST(AFleet, GivesTheSameReportOnAnyNumberOfThreads) {
    const auto fleet = fleet_of(shipped_policy(), 35, 10, days{40});
    const auto one = live_through(fleet, 1);
    const auto three = live_through(fleet, 3);
    EXPECT_EQ(one.minutes, three.minutes);
    EXPECT_EQ(one.passes, three.passes);
    EXPECT_EQ(one.keys_made, 70U);
    EXPECT_EQ(three.keys_made, 70U);
    EXPECT_EQ(one.longest_period, three.longest_period);
    EXPECT_EQ(one.in_the_end, three.in_the_end);
}

TEST(AFleet, IsSpreadByTheShippedPolicy) {
    auto fleet = fleet_of(shipped_policy(), 1000, 5, days{60});
    fleet.power_cut = PowerCut{.at = days{45}, .lasts = 10min};
    const auto report = live_through(fleet, 2);
    const auto steady = steady_state(fleet, report);
    EXPECT_GT(steady.hours, 700U);
    EXPECT_LE(steady.peak_to_mean(), 1.5);
    EXPECT_LE(restart_of(fleet, report).value().peak_to_mean(), 3.0);
    EXPECT_GE(report.shortest_period.value(), days{27});
    EXPECT_LE(report.greatest_age, days{30});
    EXPECT_EQ(report.waiting_devices, 0U);
}

TEST(AFleet, StaysSpreadAfterAPowerCutThatMadeEveryCheckOverdue) {
    auto policy = shipped_policy();
    policy.rotate.after.reset();
    policy.watchdog.key_listed.reset();
    auto fleet = fleet_of(policy, 1500, 5, days{10});
    fleet.power_cut = PowerCut{.at = days{5}, .lasts = 12h};
    const auto report = live_through(fleet, 2);
    EXPECT_LE(steady_state(fleet, report).peak_to_mean(), 1.5);
    EXPECT_LE(restart_of(fleet, report).value().peak_to_mean(), 3.0);
}

TEST(AFleet, IsSpreadOverAWindow) {
    auto policy = shipped_policy();
    policy.watchdog = {.jitter_percent = 0, .key_login = std::nullopt, .key_listed = std::nullopt};
    policy.superseded.keep_enabled = days{20};  // not in the way here
    policy.rotate.windows = {core::parse_window("02:00-05:00").value()};
    const auto report = live_through(fleet_of(policy, 1500, 5, days{31}), 2);
    std::uint64_t rotations_requests = 0;
    std::uint64_t busiest = 0;
    for (std::size_t minute = 24 * 60; minute + 30 <= report.minutes.size(); minute += 30) {
        std::uint64_t sum = 0;
        for (std::size_t at = minute; at < minute + 30; ++at) sum += report.minutes[at];
        rotations_requests += sum;
        busiest = std::max(busiest, sum);
    }
    // Three nights of six half hours each.
    EXPECT_LE(static_cast<double>(busiest), 2.0 * static_cast<double>(rotations_requests) / (3 * 6));
}

}  // namespace
}  // namespace devkey::sim
