// The planner as a table: one line a situation, what is decided, and why.
#include "core/planner.hpp"

#include <gtest/gtest.h>

#include <set>

namespace devkey::core {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

constexpr BootInstant now{1h};
constexpr const char* own_name = "devkey-dev-abc234-1-wxyz";

Key key() {
    return {.id = "id1", .name = own_name, .generation = 1, .secret = Secret{"s"}, .created_at = Instant{}};
}

/// A policy by which nothing is due by time.
Policy no_schedule() {
    Policy policy;
    policy.rotate.after.reset();
    policy.watchdog.key_login.reset();
    policy.watchdog.key_listed.reset();
    return policy;
}

/// A device that has never had anything.
Observation blank() {
    Observation seen;
    seen.boot_now = now;
    seen.started = now;
    seen.identity = {"https://keys", "app", "local-userpass:a", "dev"};
    seen.machine = "machine";
    seen.capabilities.read_lag = 15s;
    return seen;
}

Observation with_state() {
    Observation seen = blank();
    seen.state.emplace();
    seen.state->identity = seen.identity;
    seen.state->machine = seen.machine;
    seen.state->installation = "abc234";
    seen.state->owner_id = "owner";
    seen.state->last_generation = 1;
    return seen;
}

Observation healthy() {
    Observation seen = with_state();
    seen.state->current = CurrentKey{.key = key(), .published_at = Instant{}};
    seen.credential_file = CredentialSight::Matches;
    return seen;
}

Observation with_intent(Intent::Stage stage) {
    Observation seen = with_state();
    seen.state->intent.emplace();
    seen.state->intent->name = own_name;
    seen.state->intent->generation = 1;
    seen.state->intent->stage = stage;
    return seen;
}

Observation with_pending(PendingKey::Stage stage) {
    Observation seen = with_state();
    seen.state->pending = PendingKey{.key = key(), .stage = stage};
    return seen;
}

template <class Change>
Observation but(Observation seen, Change change) {
    change(seen);
    return seen;
}

struct Line {
    const char* situation;
    Observation seen;
    Action action;
    Reason reason;
};

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

/// With full_policy().
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

std::vector<Line> table() {
    using O = Observation&;
    const auto file = [](CredentialSight sight) {
        return but(healthy(), [=](O seen) { seen.credential_file = sight; });
    };
    return {
        {"nothing known", blank(), Action::AskService, Reason::NoKeyYet},
        {"asked, room", but(blank(), [](O seen) { seen.listed.emplace(); }), Action::Create,
         Reason::CreateKey},
        {"healthy", healthy(), Action::Idle, Reason::Healthy},
        {"file missing", file(CredentialSight::Missing), Action::Repair, Reason::CredentialFileMissing},
        {"file altered", file(CredentialSight::Altered), Action::Repair, Reason::CredentialFileAltered},
        {"file loosened", file(CredentialSight::Loosened), Action::Repair, Reason::CredentialFileLoosened},
        {"file unreadable", but(healthy(), [](O seen) { seen.credential_file.reset(); }), Action::Repair,
         Reason::CredentialFileUnreadable},
        {"state corrupt",
         but(healthy(), [](O seen) { seen.state_error = Error{ErrorKind::Corrupt, "torn"}; }), Action::Hold,
         Reason::StateUnreadable},
        {"state unsaved", but(healthy(), [](O seen) { seen.state_unsaved = true; }), Action::TrialSave,
         Reason::StateNotSaved},
        {"file goes before the state's trial",
         but(file(CredentialSight::Missing), [](O seen) { seen.state_unsaved = true; }), Action::Repair,
         Reason::CredentialFileMissing},
        {"other machine", but(healthy(), [](O seen) { seen.machine = "other"; }), Action::Hold,
         Reason::CloneSuspected},
        {"machine id gone", but(healthy(), [](O seen) { seen.machine.clear(); }), Action::Idle,
         Reason::Healthy},
        {"other service", but(healthy(), [](O seen) { seen.identity.service = "x"; }), Action::Hold,
         Reason::IdentityChanged},
        {"other app", but(healthy(), [](O seen) { seen.identity.app = "x"; }), Action::Hold,
         Reason::IdentityChanged},
        {"other owner", but(healthy(), [](O seen) { seen.identity.owner = "x"; }), Action::Hold,
         Reason::IdentityChanged},
        {"other device", but(healthy(), [](O seen) { seen.identity.device = "x"; }), Action::Hold,
         Reason::IdentityChanged},
        {"identity goes before the file",
         but(file(CredentialSight::Missing), [](O seen) { seen.identity.app = "x"; }), Action::Hold,
         Reason::IdentityChanged},
        {"other owner at the service",
         but(with_intent(Intent::Stage::Found), [](O seen) { seen.owner_id = "other"; }), Action::Hold,
         Reason::IdentityChanged},
        {"received", with_pending(PendingKey::Stage::Received), Action::Verify, Reason::NewKeyUnproven},
        {"refused, wait",
         but(with_pending(PendingKey::Stage::Received),
             [](O seen) { seen.proof = Patience{now - 5s, now, now + 1s}; }),
         Action::Idle, Reason::NewKeyNotAcceptedYet},
        {"refused, due",
         but(with_pending(PendingKey::Stage::Received),
             [](O seen) { seen.proof = Patience{now - 5s, now - 2s, now}; }),
         Action::Verify, Reason::NewKeyNotAcceptedYet},
        {"refused long ago only",
         but(with_pending(PendingKey::Stage::Received),
             [](O seen) { seen.proof = Patience{now - 1h, now - 1h, now - 1h}; }),
         Action::Verify, Reason::NewKeyNotAcceptedYet},
        {"refused past patience",
         but(with_pending(PendingKey::Stage::Received),
             [](O seen) { seen.proof = Patience{now - 30s, now, now}; }),
         Action::DropRefused, Reason::NewKeyRefused},
        {"verified", with_pending(PendingKey::Stage::Verified), Action::Publish, Reason::NewKeyProven},
        {"current, unpublished", but(healthy(), [](O seen) { seen.state->current->published_at.reset(); }),
         Action::Publish, Reason::NotPublished},
        {"intent unsent, unasked", with_intent(Intent::Stage::Unsent), Action::AskService, Reason::NoKeyYet},
        {"intent sent", with_intent(Intent::Stage::Sent), Action::Create, Reason::CreateUnanswered},
        {"intent sent, names not unique",
         but(with_intent(Intent::Stage::Sent), [](O seen) { seen.capabilities.unique_names = false; }),
         Action::FindStray, Reason::LateLandingPossible},
        {"intent landed", with_intent(Intent::Stage::Landed), Action::FindStray, Reason::NameTaken},
        {"intent landed, looked just now",
         but(with_intent(Intent::Stage::Landed), [](O seen) { seen.search = Patience{now, now, now + 1s}; }),
         Action::Idle, Reason::StrayNotListed},
        {"stray found", with_intent(Intent::Stage::Found), Action::RemoveStray, Reason::StrayFound},
        {"three refused", but(with_state(), [](O seen) { seen.state->refused_keys = 3; }), Action::Hold,
         Reason::NewKeysKeepFailing},
        {"three refused, asked for",
         but(with_state(),
             [](O seen) {
                 seen.state->refused_keys = 3;
                 seen.asked.another_key = true;
             }),
         Action::AskService, Reason::NoKeyYet},
        {"a twin is listed",
         but(with_state(),
             [](O seen) {
                 seen.listed.emplace();
                 seen.twin = "devkey-dev-abc234-9-aaaa";
             }),
         Action::Hold, Reason::CloneSuspected},
        {"a key we retired is still listed",
         but(with_state(),
             [](O seen) {
                 seen.listed = {{.id = "x", .name = own_name, .enabled = true}};
                 seen.state->retired = {own_name};
             }),
         Action::Create, Reason::CreateKey},
        {"another installation's key is no twin",
         but(with_state(),
             [](O seen) {
                 seen.listed = {{.id = "x", .name = "devkey-dev-zzzzzz-9-aaaa", .enabled = true}};
             }),
         Action::Create, Reason::CreateKey},
        {"create failed lately",
         but(with_intent(Intent::Stage::Sent),
             [](O seen) { seen.failures[Action::Create] = {Reason::AnswerLost, "no answer", 1, now + 1s}; }),
         Action::Idle, Reason::AnswerLost},
        {"create failed long enough ago",
         but(with_intent(Intent::Stage::Sent),
             [](O seen) { seen.failures[Action::Create] = {Reason::AnswerLost, "no answer", 1, now}; }),
         Action::Create, Reason::CreateUnanswered},
    };
}

TEST(Planner, DecidesAsTheTableSays) {
    for (const Line& line : table()) {
        const auto decision = plan(no_schedule(), line.seen);
        EXPECT_EQ(decision.action, line.action) << line.situation << ": " << name_of(decision.reason);
        EXPECT_EQ(decision.reason, line.reason) << line.situation << ": " << name_of(decision.reason);
        EXPECT_EQ(decision, plan(no_schedule(), line.seen)) << "not deterministic: " << line.situation;
    }
}

TEST(Planner, KeepsToTheSchedule) {
    for (const Line& line : scheduled()) {
        const auto decision = plan(full_policy(), line.seen);
        EXPECT_EQ(decision.action, line.action) << line.situation << ": " << name_of(decision.reason);
        EXPECT_EQ(decision.reason, line.reason) << line.situation << ": " << name_of(decision.reason);
        if (decision.action == Action::Idle) EXPECT_GT(decision.again, line.seen.boot_now) << line.situation;
    }
}

TEST(Planner, SaysWhenToLookAgainWheneverItWaits) {
    for (const Line& line : table()) {
        const auto decision = plan(no_schedule(), line.seen);
        if (decision.action != Action::Idle || decision.reason == Reason::Healthy) continue;
        if (decision.reason == Reason::KeyDisabledOutside || decision.reason == Reason::KeyDeletedOutside)
            continue;  // without a schedule, only a trigger can tell more
        ASSERT_TRUE(decision.again) << line.situation;
        EXPECT_GT(*decision.again, now) << line.situation;
    }
}

TEST(Planner, HasATableLineForEveryRule) {
    std::set<std::string_view> fired;
    const auto note = [&](const Policy& policy, const Observation& seen) {
        for (const Rule& rule : rules()) {
            const auto decision = rule.decide(policy, seen);
            if (decision) fired.insert(rule.name);
            if (decision && decision->action != Action::Idle) break;
        }
    };
    for (const Line& line : table()) note(no_schedule(), line.seen);
    for (const Line& line : scheduled()) note(full_policy(), line.seen);
    for (const Rule& rule : rules()) EXPECT_TRUE(fired.contains(rule.name)) << rule.name << " never decided";
}

TEST(Planner, LeavesAnUnwatchedCredentialFileAlone) {
    const auto seen =
        but(healthy(), [](Observation& change) { change.credential_file = CredentialSight::Missing; });
    auto policy = no_schedule();
    policy.watchdog.credential_file = false;
    EXPECT_EQ(plan(policy, seen).reason, Reason::Healthy);
}

TEST(Reasons, HaveNamesAndSentencesOfTheirOwn) {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(Reason::NewKeysKeepFailing); ++i) {
        const auto reason = static_cast<Reason>(i);
        EXPECT_TRUE(names.insert(name_of(reason)).second) << name_of(reason);
        EXPECT_FALSE(sentence_of(reason).empty());
    }
}

}  // namespace
}  // namespace devkey::core
