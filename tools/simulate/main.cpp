// Runs the simulation of tests/sim: many seeds, or one with its story; or a fleet under a policy.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fleet.hpp"
#include "sim/world.hpp"

namespace {

using devkey::sim::Coverage;
using Clock = std::chrono::steady_clock;

struct Flags {
    std::string program;  ///< as it was called
    std::uint64_t seeds = 0;
    std::optional<std::uint64_t> from;
    std::optional<std::uint64_t> seed;
    unsigned seconds = 0;
    unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
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

/// Many seeds on several threads, which share nothing but the next seed's number.
class Many {
 public:
    explicit Many(const Flags& flags)
        : flags_(flags), from_(flags.from.value_or(flags.seconds != 0 ? std::random_device{}() : 1)) {}

    /// Answers whether every promise held.
    bool run() {
        std::vector<std::thread> threads;
        for (unsigned job = 1; job < flags_.jobs; ++job) threads.emplace_back([this] { work(); });
        work();
        for (auto& thread : threads) thread.join();
        report();
        return broken_ == 0;
    }

 private:
    static constexpr std::uint64_t broken_enough = 10;

    [[nodiscard]] double spent() const {
        return std::chrono::duration<double>(Clock::now() - start_).count();
    }

    void work() {
        Coverage mine;
        while (broken_ < broken_enough) {
            const auto number = next_++;
            if (flags_.seeds != 0 && number >= flags_.seeds) break;
            if (flags_.seconds != 0 && spent() >= flags_.seconds) break;
            const auto outcome = devkey::sim::run(from_ + number, mine);
            if (!outcome.broken) continue;
            ++broken_;
            const std::lock_guard lock(mutex_);
            fmt::print("seed {}: {}\n  see what happened: {} --seed {}\n", from_ + number, *outcome.broken,
                       flags_.program, from_ + number);
            std::fflush(stdout);
        }
        const std::lock_guard lock(mutex_);
        coverage_.add(mine);
    }

    void report() const {
        if (flags_.coverage) fmt::print("{}", coverage_.text());
        for (const auto& line : coverage_.missing()) fmt::print("not reached: {}\n", line);
        const double weeks = std::chrono::duration<double, std::ratio<604800>>(coverage_.lived).count();
        fmt::print(
            "{} seeds from {} in {:.1f} s: {:.0f} seeds/s on {} threads\n"
            "{:.0f} weeks of devices, {} passes, {} requests, {} keys, at most {} requests of a device in an "
            "hour\n"
            "{} broke a promise\n",
            coverage_.seeds, from_, spent(), static_cast<double>(coverage_.seeds) / spent(), flags_.jobs,
            weeks, coverage_.passes, coverage_.requests, coverage_.keys, coverage_.busiest_hour,
            broken_.load());
    }

    const Flags& flags_;
    const std::uint64_t from_;
    const Clock::time_point start_ = Clock::now();
    std::atomic<std::uint64_t> next_ = 0;
    std::atomic<std::uint64_t> broken_ = 0;
    std::mutex mutex_;
    Coverage coverage_;
};

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Lives through made-up worlds, each from one seed, and checks the promises after every step; or, "
        "with "
        "--policy, shows what a policy does to a fleet."};
    Flags flags;
    flags.program = argv[0];
    app.add_option("--seeds", flags.seeds, "how many seeds (default 10000, without --seconds)");
    app.add_option("--from", flags.from, "the first seed (default 1; with --seconds a random one)");
    app.add_option("--seconds", flags.seconds, "stop after so many seconds");
    app.add_option("--jobs", flags.jobs, "threads (default: one for each processor)")
        ->check(CLI::Range(1U, 256U));
    app.add_option("--seed", flags.seed, "live through this one again and tell its story");
    app.add_flag("--coverage", flags.coverage, "print what was reached");
    devkey::simulate::FleetFlags fleet;
    add_fleet_flags(app, fleet);
    for (const char* worlds : {"--seeds", "--from", "--seconds", "--seed", "--coverage"})
        app.get_option("--policy")->excludes(app.get_option(worlds));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 64;  // as devkeyd's own
    }
    try {
        if (!fleet.policy.empty()) return run_fleet(fleet, flags.jobs);
    } catch (const devkey::sim::Broken& broken) {
        fmt::print(stderr, "a promise is broken: {}\n", broken.promise);
        return 1;
    }
    if (flags.seeds == 0 && flags.seconds == 0) flags.seeds = 10'000;
    const bool held = flags.seed ? replay(*flags.seed) : Many(flags).run();
    return held ? 0 : 1;
}
