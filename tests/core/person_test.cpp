// What a person asks about the key in use, and the programs that are told: the rules' lines.
#include <gtest/gtest.h>

#include "core/situations.hpp"

namespace devkey::core {

using namespace std::chrono_literals;

namespace {

Observation asked_for(Observation seen, Request request) {
    seen.asked.request = request;
    seen.asked.generation = seen.state->current->key.generation;
    return seen;
}

/// The second key is in use, and the first is in its grace.
Observation with_two_keys() {
    Observation seen = healthy();
    seen.time.trust = ClockTrust::Server;
    seen.state->current->key.generation = 2;
    seen.state->superseded.push_back(
        {.id = "old", .name = "devkey-dev-abc234-1-aaaa", .generation = 1, .superseded_at = seen.time.now});
    seen.state->superseded.back().secret = Secret{"s"};
    return seen;
}

Observation switched_off_by_person() {
    Observation seen = healthy();
    seen.state->current->standing = Standing::SwitchedOff;
    seen.state->current->off_by_person = true;
    return seen;
}

Observation paused() {
    Observation seen = healthy();
    seen.state->pause.emplace();
    return seen;
}

}  // namespace

std::vector<Line> about_the_key() {
    using O = Observation&;
    return {
        {"pause asked", asked_for(healthy(), Request::Pause), Action::TakeNote, Reason::PauseAsked},
        {"resume asked", asked_for(paused(), Request::Resume), Action::TakeNote, Reason::ResumeAsked},
        {"acknowledged", asked_for(healthy(), Request::Acknowledge), Action::TakeNote,
         Reason::KeyAcknowledged},
        {"paused", paused(), Action::Hold, Reason::Paused},
        {"paused, file missing",
         but(paused(), [](O seen) { seen.credential_file = CredentialSight::Missing; }), Action::Repair,
         Reason::CredentialFileMissing},
        {"paused, disable asked", asked_for(paused(), Request::Disable), Action::SwitchOff,
         Reason::DisableAsked},
        {"paused, a twin was seen", but(paused(), [](O seen) { seen.state->twin = "x"; }), Action::Hold,
         Reason::CloneSuspected},
        {"disable asked", asked_for(healthy(), Request::Disable), Action::SwitchOff, Reason::DisableAsked},
        {"disable asked of another generation",
         but(asked_for(healthy(), Request::Disable), [](O seen) { ++seen.asked.generation; }), Action::Idle,
         Reason::Healthy},
        {"disable begun, enable asked",
         but(asked_for(switched_off_by_person(), Request::Enable),
             [](O seen) { seen.state->current->standing = Standing::SwitchingOff; }),
         Action::SwitchOff, Reason::DisableAsked},
        {"off by a person", switched_off_by_person(), Action::Idle, Reason::KeyDisabledByPerson},
        {"off by a person, enable asked, time unknown", asked_for(switched_off_by_person(), Request::Enable),
         Action::AskTime, Reason::EnableAsked},
        {"disabled outside, enable asked",
         but(asked_for(with_two_keys(), Request::Enable),
             [](O seen) { seen.state->current->standing = Standing::DisabledOutside; }),
         Action::EnableKey, Reason::EnableAsked},
        {"rollback asked", asked_for(with_two_keys(), Request::Rollback), Action::RollBack,
         Reason::RollbackAsked},
        {"rollback asked, nothing to go back to", asked_for(healthy(), Request::Rollback), Action::Idle,
         Reason::Healthy},
        {"rollback asked, a disable may still land",
         but(asked_for(with_two_keys(), Request::Rollback),
             [](O seen) { seen.state->superseded.back().unsure_until = seen.time.now + 1min; }),
         Action::Idle, Reason::DisableUnsettled},
        {"an old key returns", with_pending(PendingKey::Stage::Returning), Action::RollBack,
         Reason::KeyReturns},
    };
}

std::vector<Line> hooked() {
    using O = Observation&;
    return {
        {"programs not told", healthy(), Action::RunHook, Reason::ProgramsNotTold},
        {"programs told", but(healthy(), [](O seen) { seen.state->current->told.done = true; }), Action::Idle,
         Reason::Healthy},
        {"the hook keeps failing",
         but(with_two_keys(), [](O seen) { seen.state->current->told.failures = 5; }), Action::RollBack,
         Reason::HookKeepsFailing},
        {"the hook keeps failing, of a key that came back",
         but(with_two_keys(),
             [](O seen) {
                 seen.state->current->told.failures = 5;
                 seen.state->current->returned_at = seen.time.now;
             }),
         Action::RunHook, Reason::ProgramsNotTold},
        {"the key before leaked: it goes before anybody is told, whoever paused what",
         but(with_two_keys(),
             [](O seen) {
                 seen.asked = {.request = Request::Rotate, .generation = 1, .compromised = true};
                 seen.state->current->told.failures = 5;
                 seen.state->pause.emplace();
             }),
         Action::DisableKey, Reason::KeyCompromised},
        {"the hook keeps failing, but a twin was seen",
         but(with_two_keys(),
             [](O seen) {
                 seen.state->current->told.failures = 5;
                 seen.state->twin = "x";
             }),
         Action::RunHook, Reason::ProgramsNotTold},
    };
}

Policy with_hooks() {
    Policy policy = no_schedule();
    policy.hooks.after_publish = Hook{.run = {"/bin/tell"}, .required = true};
    return policy;
}

TEST(Planner, TellsProgramsAsTheTableSays) {
    for (const Line& line : hooked()) {
        const auto decision = plan(with_hooks(), line.seen);
        EXPECT_EQ(decision.action, line.action) << line.situation << ": " << name_of(decision.reason);
        EXPECT_EQ(decision.reason, line.reason) << line.situation << ": " << name_of(decision.reason);
    }
}

}  // namespace devkey::core
