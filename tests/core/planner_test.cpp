// The planner as a table: one line a situation, what is decided, and why.
#include "core/planner.hpp"

#include <gtest/gtest.h>

#include <set>

#include "core/situations.hpp"

namespace devkey::core {
namespace {

using namespace std::chrono_literals;

std::vector<Line> at_rest() {
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
        {"state forbidden",
         but(healthy(), [](O seen) { seen.state_error = Error{ErrorKind::Forbidden, "mode"}; }), Action::Hold,
         Reason::NotPermitted},
        {"state on a disk that refuses",
         but(healthy(), [](O seen) { seen.state_error = Error{ErrorKind::Io, "disk"}; }), Action::Hold,
         Reason::DiskRefuses},
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
    };
}

std::vector<Line> under_way() {
    using O = Observation&;
    return {
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
        {"proven", but(with_pending(PendingKey::Stage::Received), prove_pending), Action::Publish,
         Reason::NewKeyProven},
        {"another proven",
         but(with_pending(PendingKey::Stage::Received), [](O seen) { seen.proven = Proven{"another", {}}; }),
         Action::Verify, Reason::NewKeyUnproven},
        {"refused once, proven since", but(with_pending(PendingKey::Stage::Refused), prove_pending),
         Action::DropRefused, Reason::NewKeyRefused},
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
    };
}

std::vector<Line> held_back() {
    using O = Observation&;
    return {
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
                 seen.state->twin = "devkey-dev-abc234-9-aaaa";
             }),
         Action::Hold, Reason::CloneSuspected},
        {"a twin was seen, and the look at our key failed lately",
         but(healthy(),
             [](O seen) {
                 seen.state->twin = "devkey-dev-abc234-9-aaaa";
                 seen.login_refused = true;
                 seen.asked.rotation = true;
                 seen.failures[Action::CheckListed] = {Reason::ServiceUnavailable, "503", 1, now + 1s};
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

std::vector<Line> table() {
    auto all = at_rest();
    for (const auto& more : {under_way(), held_back(), keeping(), asked(), about_the_key()})
        all.insert(all.end(), more.begin(), more.end());
    return all;
}

TEST(Planner, DecidesAsTheTableSays) {
    for (const Line& line : table()) {
        const auto decision = plan(no_schedule(), line.seen);
        EXPECT_EQ(decision.action, line.action) << line.situation << ": " << name_of(decision.reason);
        EXPECT_EQ(decision.reason, line.reason) << line.situation << ": " << name_of(decision.reason);
        EXPECT_EQ(decision, plan(no_schedule(), line.seen)) << "not deterministic: " << line.situation;
    }
}

TEST(Planner, SaysWhenToLookAgainWheneverItWaits) {
    for (const Line& line : table()) {
        const auto decision = plan(no_schedule(), line.seen);
        if (decision.action != Action::Idle || decision.reason == Reason::Healthy) continue;
        if (decision.reason == Reason::KeyDisabledOutside || decision.reason == Reason::KeyDeletedOutside ||
            decision.reason == Reason::KeyDisabledByPerson)
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
    for (const Line& line : silent()) note(with_heartbeat(), line.seen);
    for (const Line& line : hooked()) note(with_hooks(), line.seen);
    for (const Rule& rule : rules()) EXPECT_TRUE(fired.contains(rule.name)) << rule.name << " never decided";
}

TEST(Planner, LeavesAnUnwatchedCredentialFileAlone) {
    const auto seen =
        but(healthy(), [](Observation& change) { change.credential_file = CredentialSight::Missing; });
    auto policy = no_schedule();
    policy.watchdog.credential_file = false;
    EXPECT_EQ(plan(policy, seen).action, Action::Idle);
    EXPECT_EQ(plan(policy, seen).reason, Reason::CredentialFileMissing);
}

TEST(Reasons, HaveNamesAndSentencesOfTheirOwn) {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(Reason::Decommissioned); ++i) {
        const auto reason = static_cast<Reason>(i);
        EXPECT_TRUE(names.insert(name_of(reason)).second) << name_of(reason);
        EXPECT_FALSE(sentence_of(reason).empty());
    }
}

}  // namespace
}  // namespace devkey::core
