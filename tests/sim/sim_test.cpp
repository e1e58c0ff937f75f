// The simulation on a fixed set of seeds, and then on fresh ones; and whether it would notice anything at
// all.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "fakes/process.hpp"
#include "sim/world.hpp"

namespace devkey::sim {
namespace {

constexpr std::uint64_t fixed_seeds = DEVKEY_SIM_SEEDS;

/// What tells the whole story of a seed, for a shell.
std::string replay_of(std::uint64_t seed) {
    return "'" DEVKEY_SIMULATE "' --seed " + std::to_string(seed);
}

/// The story of a seed that broke a promise, short enough to be read: its end.
std::string told(std::uint64_t seed, Bug bug = Bug::None) {
    Coverage unused;
    const auto outcome = run(seed, unused, true, bug);
    std::string text = "seed " + std::to_string(seed) + ": " + outcome.broken.value_or("it held this time") +
                       (bug == Bug::None ? "\nsee all of it: " + replay_of(seed) : "") + "\nits end:\n";
    const std::size_t lines = std::min<std::size_t>(outcome.story.size(), 40);
    for (auto line = outcome.story.end() - static_cast<std::ptrdiff_t>(lines); line != outcome.story.end();
         ++line)
        text += *line + "\n";
    return text;
}

/// The seconds that DEVKEY_SIM_SECONDS gives to fresh seeds; 5 where it is not set.
std::chrono::seconds fresh_time() {
    const char* text = std::getenv("DEVKEY_SIM_SECONDS");
    return std::chrono::seconds{text == nullptr ? 5 : std::atoi(text)};
}

TEST(Simulation, KeepsEveryPromiseOnTheFixedSeedsAndReachesEverything) {
    Coverage coverage;
    for (std::uint64_t seed = 1; seed <= fixed_seeds; ++seed) {
        const auto outcome = run(seed, coverage);
        ASSERT_FALSE(outcome.broken) << told(seed);
    }
    std::printf("%s", coverage.text().c_str());
    for (const auto& line : coverage.missing()) ADD_FAILURE() << "not reached: " << line;
}

TEST(Simulation, KeepsEveryPromiseOnFreshSeeds) {
    const auto end = std::chrono::steady_clock::now() + fresh_time();
    Coverage coverage;
    const std::uint64_t first = std::uint64_t{std::random_device{}()} << 16U;
    std::uint64_t seed = first;
    for (; std::chrono::steady_clock::now() < end; ++seed) {
        const auto outcome = run(seed, coverage);
        ASSERT_FALSE(outcome.broken) << told(seed);
    }
    std::printf("%llu fresh seeds from %llu\n", static_cast<unsigned long long>(seed - first),
                static_cast<unsigned long long>(first));
}

TEST(Simulation, ReplaysExactly) {
    for (const std::uint64_t seed : {1U, 2U, 3U, 5U, 8U, 13U, 21U}) {
        Coverage first;
        Coverage second;
        Coverage silent;
        const auto once = run(seed, first, true);
        EXPECT_EQ(once.story, run(seed, second, true).story);
        EXPECT_GT(once.story.size(), 10U);
        static_cast<void>(run(seed, silent));
        EXPECT_EQ(first.passes, silent.passes);
        EXPECT_EQ(first.requests, silent.requests);
    }
}

TEST(Simulation, NamesACommandThatTellsTheSameStory) {
    Coverage unused;
    std::string expected;
    for (const auto& line : run(3, unused, true).story) expected += line + "\n";
    fakes::TemporaryDirectory directory;
    fakes::Process shell{{"/bin/sh", "-c", replay_of(3)}, directory.file("ran")};
    EXPECT_EQ(shell.wait(), 0) << shell.errors();
    EXPECT_EQ(shell.output(), expected + "seed 3: every promise held\n");
    EXPECT_NE(told(3).find(replay_of(3)), std::string::npos);
}

TEST(Simulation, TellsABrokenPromiseInWords) {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        Coverage unused;
        if (!run(seed, unused, false, Bug::RepeatUnderNewName).broken) continue;
        const auto text = told(seed, Bug::RepeatUnderNewName);
        EXPECT_NE(text.find("PROMISE BROKEN: 2"), std::string::npos) << text;
        EXPECT_NE(text.find("machine"), std::string::npos) << text;
        return;
    }
    FAIL() << "no seed broke a promise";
}

struct PlantedBug {
    const char* name;
    Bug bug;
    std::vector<std::string> promises;  ///< the numbers of those that it may break
};

class APlantedBug : public testing::TestWithParam<PlantedBug> {};

TEST_P(APlantedBug, IsCaughtWithinAThousandSeeds) {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        Coverage unused;
        const auto outcome = run(seed, unused, false, GetParam().bug);
        if (!outcome.broken) continue;
        std::printf("caught by seed %llu: %s\n", static_cast<unsigned long long>(seed),
                    outcome.broken->c_str());
        const auto promise = outcome.broken->substr(0, 1);
        EXPECT_NE(std::ranges::find(GetParam().promises, promise), GetParam().promises.end())
            << "for another reason: " << told(seed, GetParam().bug);
        return;
    }
    FAIL() << "not caught";
}

INSTANTIATE_TEST_SUITE_P(Bugs, APlantedBug,
                         testing::Values(PlantedBug{"PublishBeforeSave", Bug::PublishBeforeSave, {"1", "3"}},
                                         PlantedBug{"RepeatUnderNewName", Bug::RepeatUnderNewName, {"2"}},
                                         PlantedBug{"SweepByPrefix", Bug::SweepByPrefix, {"1", "3"}},
                                         PlantedBug{"GraceFromCreate", Bug::GraceFromCreate, {"1"}},
                                         PlantedBug{"RenameWithoutSync", Bug::RenameWithoutSync, {"4"}},
                                         PlantedBug{"BootIsABeat", Bug::BootIsABeat, {"3"}}),
                         [](const auto& bug) { return std::string(bug.param.name); });

}  // namespace
}  // namespace devkey::sim
