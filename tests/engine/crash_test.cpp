// Crash at every step: the process dies just before or just after each effect, under every misbehaviour of
// the service, once and then once more; on the way to the first key, and through a whole rotation until the
// old key is disabled and removed. Promises 1, 2, 3 and 4 are checked at the crash and at the end.
#include <gtest/gtest.h>

#include "fakes/world.hpp"

namespace devkey::engine {
namespace {

using fakes::Crash;
using fakes::World;
using Fault = fakes::Service::Fault;

struct Story {
    const char* name;
    void (*set_up)(World&);
};

const Story stories[] = {
    {"AllIsWell", [](World&) {}},
    {"RequestLost", [](World& world) { world.service.next("create", {Fault::LoseRequest}); }},
    {"AnswerLost", [](World& world) { world.service.next("create", {Fault::LoseAnswer}); }},
    {"AnswerLostTwice",
     [](World& world) { world.service.next("create", {Fault::LoseAnswer, Fault::None, Fault::LoseAnswer}); }},
    {"LandsLate", [](World& world) { world.service.next("create", {Fault::LandLate}); }},
    {"ListsLag",
     [](World& world) {
         world.service.hidden_lists = 2;
         world.service.next("create", {Fault::LoseAnswer});
     }},
    {"RemoveAnswerLost",
     [](World& world) {
         world.service.next("create", {Fault::LoseAnswer});
         world.service.next("remove", {Fault::LoseAnswer, Fault::LoseRequest});
     }},
    {"KeyRefusedAtFirst",
     [](World& world) {
         world.service.refusal = {core::ErrorKind::Unauthenticated, "401"};
         world.service.next("prove", {Fault::Refuse, Fault::Refuse});
     }},
    {"FirstKeyNeverLogsIn",
     [](World& world) {
         world.service.refusal = {core::ErrorKind::Unauthenticated, "401"};
         world.setup.policy.verify_patience = core::Millis{0};
         world.service.next("prove", {Fault::Refuse});
     }},
    {"DisableAnswerLost",
     [](World& world) {
         world.service.next("disable", {Fault::LoseAnswer, Fault::LoseRequest});
         world.service.next("remove", {Fault::LoseAnswer, Fault::LoseRequest});
     }},
    {"SecretNotSaved", [](World& world) { world.store.failing_saves = {{2, core::ErrorKind::Io}}; }},
};

bool knows(const World& world, const std::string& id, const std::string& name) {
    const auto& state = world.store.state;
    if (!state) return false;
    return (state->current && state->current->key.id == id) ||
           (state->pending && state->pending->key.id == id) || core::is_recorded(*state, name);
}

/// Promise 2 at any instant: every key on the service is known to the state, and at most one of them has no
/// secret.
void expect_no_unknown_key(const World& world, std::size_t step) {
    std::size_t strays = 0;
    for (const auto& [id, key] : world.service.keys) {
        EXPECT_TRUE(knows(world, id, key.name)) << "step " << step << ": nobody knows " << key.name;
        const auto& state = *world.store.state;
        const bool held =
            (state.current && state.current->key.id == id) ||
            (state.pending && state.pending->key.id == id) ||
            std::ranges::find(state.superseded, id, &core::OldKey::id) != state.superseded.end();
        strays += held ? 0 : 1;
    }
    EXPECT_LE(strays, 1U) << "step " << step;
}

/// Promises 1 and 4 at any instant: what is published logs in.
void expect_published_key_works(const World& world, std::size_t step) {
    if (!world.sink.content) return;
    const auto& key = world.sink.content->key;
    const auto found = world.service.keys.find(key.id);
    ASSERT_NE(found, world.service.keys.end()) << "step " << step;
    EXPECT_TRUE(found->second.enabled) << "step " << step;
    EXPECT_EQ(found->second.secret, key.secret.reveal()) << "step " << step;
}

/// What the story is about, until nothing is left to be done.
Snapshot live(World& world, bool rotation) {
    const bool first_key =
        world.store.state && world.store.state->current && world.store.state->current->key.generation == 1;
    if (rotation && first_key) world.settle(Trigger::Rotate);
    return world.run();
}

void expect_one_known_key(World& world, bool rotation, std::size_t step) {
    const auto snapshot = live(world, rotation);
    EXPECT_GE(snapshot.generation, rotation ? 2U : 1U) << "step " << step;
    EXPECT_EQ(snapshot.decision.reason, core::Reason::Healthy)
        << "step " << step << ": " << core::name_of(snapshot.decision.reason) << " "
        << snapshot.decision.detail;
    EXPECT_EQ(world.service.keys.size(), 1U) << "step " << step;
    expect_no_unknown_key(world, step);
    ASSERT_TRUE(world.sink.content) << "step " << step;
    expect_published_key_works(world, step);
}

/// Runs to the end or to the crash; answers whether it crashed.
bool run_until_crash(World& world, bool rotation, std::size_t step) {
    world.effects.crash_at(step);
    world.restart();
    try {
        live(world, rotation);
        return false;
    } catch (const Crash&) {
    }
    expect_no_unknown_key(world, step);
    expect_published_key_works(world, step);
    return true;
}

class CrashAtEveryStep : public testing::TestWithParam<std::tuple<Story, bool>> {
 protected:
    void set_up(World& world) const {
        if (rotation) {
            world.run();
            world.store.saves = 0;
        }
        std::get<Story>(GetParam()).set_up(world);
    }
    const bool rotation = std::get<bool>(GetParam());
};

TEST_P(CrashAtEveryStep, LeavesOneWorkingKeyInTheEnd) {
    std::size_t crashes = 0;
    for (std::size_t step = 1;; ++step) {
        World world;
        set_up(world);
        if (!run_until_crash(world, rotation, step)) break;
        ++crashes;
        world.effects.crash_at(0);
        world.restart();
        expect_one_known_key(world, rotation, step);
    }
    EXPECT_GE(crashes, 12U);  // the effects of the shortest story
}

TEST_P(CrashAtEveryStep, AlsoWhenItCrashesAgainOnItsWayBack) {
    for (std::size_t first = 1;; ++first) {
        std::size_t second = 1;
        for (;; ++second) {
            World world;
            set_up(world);
            if (!run_until_crash(world, rotation, first)) return;
            const bool again = run_until_crash(world, rotation, second);
            world.effects.crash_at(0);
            world.restart();
            expect_one_known_key(world, rotation, first * 1000 + second);
            if (!again) break;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Stories, CrashAtEveryStep,
                         testing::Combine(testing::ValuesIn(stories), testing::Bool()),
                         [](const auto& story) {
                             return std::string(std::get<bool>(story.param) ? "Rotation" : "FirstKey") +
                                    std::get<Story>(story.param).name;
                         });

}  // namespace
}  // namespace devkey::engine
