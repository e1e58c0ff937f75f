// The planner on keys that are there: what the policy lets go, what others did, and the schedule.
#include <gtest/gtest.h>

#include "core/situations.hpp"

namespace devkey::core {

using std::chrono::days;

namespace {

constexpr Instant today{days{20000}};

/// The time is known, and the state holds a key that was superseded.
Observation with_old_key(std::optional<Instant> superseded_at, std::optional<Instant> disabled_at = {}) {
    Observation seen = healthy();
    seen.time = {.now = today, .trust = ClockTrust::Server};
    seen.state->superseded.push_back({.id = "old",
                                      .name = "devkey-dev-abc234-1-old2",
                                      .generation = 1,
                                      .superseded_at = superseded_at,
                                      .disabled_at = disabled_at});
    return seen;
}

Observation with_standing(Standing standing) {
    return but(healthy(), [=](Observation& seen) { seen.state->current->standing = standing; });
}

}  // namespace

std::vector<Line> keeping() {
    using O = Observation&;
    const auto untrusted = [](O seen) { seen.time.trust = ClockTrust::Synchronised; };
    return {
        {"grace", with_old_key(today - 23h), Action::Idle, Reason::Healthy},
        {"grace over", with_old_key(today - 24h), Action::DisableKey, Reason::GraceOver},
        {"grace over, on an untrusted clock", but(with_old_key(today - 24h), untrusted), Action::AskTime,
         Reason::GraceOver},
        {"grace not begun, on an untrusted clock", but(with_old_key({}), untrusted), Action::AskTime,
         Reason::TimeUnknown},
        {"grace not begun", with_old_key({}), Action::MendTimes, Reason::TimesImplausible},
        {"grace over, credential file altered",
         but(with_old_key(today - 24h), [](O seen) { seen.credential_file = CredentialSight::Altered; }),
         Action::Repair, Reason::CredentialFileAltered},
        {"disabled", with_old_key(today - days{8}, today - days{6}), Action::Idle, Reason::Healthy},
        {"disabled long enough", with_old_key(today - days{9}, today - days{7}), Action::RemoveKey,
         Reason::DeletionDue},
        {"disabled, quota short",
         but(with_old_key(today - days{2}, today - days{1}), [](O seen) { seen.quota_is_short = true; }),
         Action::RemoveKey, Reason::QuotaShort},
        {"times ahead", with_old_key(today + 1h), Action::MendTimes, Reason::TimesImplausible},
        {"log-in refused", but(healthy(), [](O seen) { seen.login_refused = true; }), Action::CheckListed,
         Reason::LoginRefused},
        {"disabled outside", with_standing(Standing::DisabledOutside), Action::Idle,
         Reason::KeyDisabledOutside},
        {"deleted outside", with_standing(Standing::DeletedOutside), Action::Idle, Reason::KeyDeletedOutside},
        {"rotation asked", but(healthy(), [](O seen) { seen.asked.rotation = true; }), Action::AskService,
         Reason::RotationAsked},
        {"rotation asked, room",
         but(healthy(),
             [](O seen) {
                 seen.asked.rotation = true;
                 seen.listed.emplace();
             }),
         Action::Create, Reason::RotationAsked},
        {"quota short, no schedule", but(healthy(), [](O seen) { seen.quota_is_short = true; }), Action::Idle,
         Reason::Healthy},
    };
}

std::vector<Line> scheduled() {
    using O = Observation&;
    const auto at = [](Millis age, ClockTrust trust) {
        return but(healthy(), [=](O seen) {
            auto& current = *seen.state->current;
            seen.boot_now = BootInstant{days{100}};
            seen.started = BootInstant{};
            seen.time = {.now = today, .trust = trust};
            current.key.created_at = *current.published_at = today - age;
            current.logged_in_at = current.listed_at = today;
        });
    };
    return {
        {"young", at(1h, ClockTrust::Synchronised), Action::Idle, Reason::Healthy},
        {"log-in due",
         but(at(1h, ClockTrust::Server), [](O seen) { seen.state->current->logged_in_at = today - 6h; }),
         Action::CheckLogin, Reason::LoginCheckDue},
        {"listing due",
         but(at(1h, ClockTrust::Server), [](O seen) { seen.state->current->listed_at = today - 24h; }),
         Action::CheckListed, Reason::ListedCheckDue},
        {"never listed, since long",
         but(at(1h, ClockTrust::Server), [](O seen) { seen.state->current->listed_at.reset(); }),
         Action::CheckListed, Reason::ListedCheckDue},
        {"listed on a clock that was a year ahead",
         but(at(1h, ClockTrust::Synchronised),
             [](O seen) { seen.state->current->listed_at = today + days{365}; }),
         Action::CheckListed, Reason::ListedCheckDue},
        {"logged in on a clock that was a year ahead",
         but(at(1h, ClockTrust::Synchronised),
             [](O seen) { seen.state->current->logged_in_at = today + days{365}; }),
         Action::CheckLogin, Reason::LoginCheckDue},
        {"quota short",
         but(at(1h, ClockTrust::Server),
             [](O seen) {
                 seen.state->current->listed_at = today - 1h;
                 seen.quota_is_short = true;
             }),
         Action::CheckListed, Reason::QuotaShort},
        {"nobody vouches for the clock", at(1h, ClockTrust::Floor), Action::AskTime, Reason::TimeUnknown},
        {"old", at(days{30}, ClockTrust::Server), Action::AskService, Reason::RotationDue},
        {"old, says a clock that isn't trusted enough", at(days{30}, ClockTrust::Synchronised),
         Action::AskTime, Reason::RotationDue},
        {"old and disabled outside",
         but(at(days{30}, ClockTrust::Server),
             [](O seen) { seen.state->current->standing = Standing::DisabledOutside; }),
         Action::Idle, Reason::KeyDisabledOutside},
        {"another installation's key, to be disabled",
         but(at(1h, ClockTrust::Server),
             [](O seen) {
                 seen.state->others.push_back(
                     {.id = "x", .name = "devkey-dev-zzzzzz-1-aaaa", .seen_at = today - days{30}});
             }),
         Action::DisableKey, Reason::OtherInstallation},
        {"another installation's key, disabled",
         but(at(1h, ClockTrust::Server),
             [](O seen) {
                 seen.state->others.push_back({.id = "x",
                                               .name = "devkey-dev-zzzzzz-1-aaaa",
                                               .seen_at = today - days{30},
                                               .disabled = true});
             }),
         Action::Idle, Reason::Healthy},
    };
}

Policy full_policy() {
    Policy policy;
    policy.other_installations.action = OtherInstallationsPolicy::Action::Disable;
    return policy;
}

TEST(Planner, KeepsToTheSchedule) {
    for (const Line& line : scheduled()) {
        const auto decision = plan(full_policy(), line.seen);
        EXPECT_EQ(decision.action, line.action) << line.situation << ": " << name_of(decision.reason);
        EXPECT_EQ(decision.reason, line.reason) << line.situation << ": " << name_of(decision.reason);
        const bool waits = decision.action == Action::Idle;
        EXPECT_EQ(waits, decision.again.has_value()) << line.situation;
        EXPECT_TRUE(!waits || *decision.again > line.seen.boot_now) << line.situation;
    }
}

// One that leaked, say: `superseded.delete_after` means something whatever `superseded.then` says.
TEST(Planner, ADisabledKeyStaysForItsTimeWhereOthersAreDeletedAtOnce) {
    auto policy = no_schedule();
    policy.superseded.then = SupersededPolicy::Then::Delete;
    EXPECT_EQ(plan(policy, with_old_key(today - 24h)).action, Action::RemoveKey);
    EXPECT_EQ(plan(policy, with_old_key(today - days{8}, today - days{6})).action, Action::Idle);
    EXPECT_EQ(plan(policy, with_old_key(today - days{8}, today - days{7})).action, Action::RemoveKey);
}

}  // namespace devkey::core
