// Runs the simulation of tests/sim: many seeds, or one with its story.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <random>
#include <string>

#include "sim/world.hpp"

namespace {

using devkey::sim::Coverage;

struct Flags {
    std::uint64_t seeds = 0;
    std::optional<std::uint64_t> from;
    std::optional<std::uint64_t> seed;
    unsigned seconds = 0;
    bool coverage = false;
};

/// One seed with its story. Answers whether every promise held.
bool replay(std::uint64_t seed) {
    Coverage coverage;
    const auto outcome = devkey::sim::run(seed, coverage, true);
    for (const auto& line : outcome.story) fmt::print("{}\n", line);
    fmt::print("seed {}: {}\n", seed, outcome.broken.value_or("every promise held"));
    return !outcome.broken;
}

bool run_many(const Flags& flags) {
    using Clock = std::chrono::steady_clock;
    // Fresh seeds are printed, so that they can be run again.
    const std::uint64_t from = flags.from.value_or(flags.seconds != 0 ? std::random_device{}() : 1);
    const auto start = Clock::now();
    const auto spent = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
    Coverage coverage;
    std::uint64_t broken = 0;
    std::uint64_t seed = from;
    for (;; ++seed) {
        if (flags.seeds != 0 && seed - from >= flags.seeds) break;
        if (flags.seconds != 0 && spent() >= flags.seconds) break;
        const auto outcome = devkey::sim::run(seed, coverage);
        if (!outcome.broken) continue;
        fmt::print("seed {}: {}\n", seed, *outcome.broken);
        std::fflush(stdout);
        if (++broken == 10) break;
    }
    if (flags.coverage) fmt::print("{}", coverage.text());
    for (const auto& line : coverage.missing()) fmt::print("not reached: {}\n", line);
    const double weeks = std::chrono::duration<double, std::ratio<604800>>(coverage.lived).count();
    fmt::print(
        "{} seeds from {} in {:.1f} s ({:.0f}/s): {:.0f} weeks of devices, {} passes, {} requests, {} keys, "
        "at most {} "
        "requests of a device in an hour; {} broke a promise\n",
        coverage.seeds, from, spent(), static_cast<double>(coverage.seeds) / spent(), weeks, coverage.passes,
        coverage.requests, coverage.keys, coverage.busiest_hour, broken);
    if (broken != 0) fmt::print("see what happened: tools/simulate --seed SEED\n");
    return broken == 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Lives through made-up worlds, each from one seed, and checks the promises after every step."};
    Flags flags;
    app.add_option("--seeds", flags.seeds, "how many seeds (default 10000, without --seconds)");
    app.add_option("--from", flags.from, "the first seed (default 1; with --seconds a random one)");
    app.add_option("--seconds", flags.seconds, "stop after so many seconds");
    app.add_option("--seed", flags.seed, "live through this one again and tell its story");
    app.add_flag("--coverage", flags.coverage, "print what was reached");
    CLI11_PARSE(app, argc, argv);
    if (flags.seeds == 0 && flags.seconds == 0) flags.seeds = 10'000;
    const bool held = flags.seed ? replay(*flags.seed) : run_many(flags);
    return held ? 0 : 1;
}
