#include "sim/world.hpp"

#include <algorithm>
#include <chrono>

#include "sim/promises.hpp"
#include "sim/scenario.hpp"

namespace devkey::sim {

using engine::Trigger;
using std::chrono::days;
using namespace std::chrono_literals;

namespace {

// Long enough for every check and back-off of scenario.cpp.
constexpr Millis calm = days{5};

}  // namespace

World::World(std::uint64_t seed, Coverage& coverage, bool told, Bug bug)
    : dice_(seed),
      story_(timeline_, told),
      cloud_(timeline_, dice_, story_),
      scene_{timeline_, dice_, story_, coverage, cloud_},
      bug_(bug),
      start_(timeline_.now) {
    make_service(dice_, cloud_);
    scene_.crashes = dice_.one_of({0U, 5U, 20U, 60U, 120U});
    scene_.real_files = dice_.chance(50);  // they take time
    end_ = timeline_.now + dice_.between(days{7}, days{28});
    const auto devices = dice_.one_of<std::size_t>({1, 1, 1, 2, 3});
    for (std::size_t number = 1; number <= devices; ++number)
        add_machine(random_setup(dice_, cloud_.can, number));
    plan_events();
}

Machine& World::add_machine(engine::Setup setup) {
    const auto name = "machine " + std::to_string(machines_.size() + 1);
    machines_.push_back(std::make_unique<Machine>(scene_, name, std::move(setup), bug_));
    Machine& machine = *machines_.back();
    machine.clock.offset = dice_.one_of<Millis>({0h, 2h, -11h});
    make_program(dice_, machine.setup.policy.watchdog, machine.program);
    machine.next_wake = timeline_.now + dice_.between(0s, 1min);
    return machine;
}

/// Some kinds of events don't happen at all in a world, so that others get their chance.
void World::plan_events() {
    const auto count = dice_.below(30);
    std::vector<const Kind*> happening;
    for (const auto& kind : kinds())
        if (dice_.chance(400)) happening.push_back(&kind);
    if (happening.empty()) return;
    for (std::size_t i = 0; i < count; ++i) {
        const Kind& kind = *happening[dice_.below(happening.size())];
        events_.emplace(timeline_.now + dice_.between(0s, end_ - timeline_.now), [this, &kind] {
            ++scene_.coverage.events[kind.name];
            (this->*kind.happen)();
        });
    }
}

void World::after(Millis shortest, Millis longest, Happening happening) {
    events_.emplace(timeline_.now + dice_.between(shortest, longest), std::move(happening));
}

Machine& World::any_machine() {
    return *machines_[dice_.below(machines_.size())];
}

std::optional<Instant> World::next_event() const {
    std::optional<Instant> next = cloud_.next_landing();
    if (!events_.empty() && (!next || events_.begin()->first < *next)) next = events_.begin()->first;
    for (const auto& machine : machines_)
        if (machine->next_wake && (!next || *machine->next_wake < *next)) next = machine->next_wake;
    return next;
}

void World::step(Instant at) {
    timeline_.now = std::max(timeline_.now, at);
    cloud_.settle();
    check();
    while (!events_.empty() && events_.begin()->first <= timeline_.now) {
        const auto happening = std::move(events_.extract(events_.begin()).mapped());
        happening();
        check();
    }
    for (const auto& machine : machines_) {
        if (!machine->next_wake || *machine->next_wake > timeline_.now) continue;
        if (machine->is_up())
            machine->wake(Trigger::Due);
        else
            machine->start();
        check();
    }
    copy_within_create();
}

void World::check() {
    for (const auto& machine : machines_) check_promises(*machine);
}

void World::heal() {
    story_.tell("world", "all is well from now on");
    cloud_.weather = {};
    cloud_.climate = scene_.crashes = 0;
    cloud_.lag = cloud_.date_wrong_by = Millis{0};
    copy_within_create_ = false;
    events_.clear();
    for (const auto& machine : machines_) {
        machine->disk = {};
        machine->hooks.failing = 0;
        machine->set_clock(Millis{0}, true);
        machine->program.every = Millis{0};
        machine->program.go_on();
        machine->name_owner_again();
        if (!machine->is_up()) machine->next_wake = timeline_.now;
    }
    step(timeline_.now);
    for (const auto& machine : machines_) {
        machine->start();
        machine->wake(Trigger::Retry);
        // A new key that was under way may still have been spoilt before: then they ask once more.
        // Who stopped something lets it go on.
        events_.emplace(timeline_.now + 1h, [&machine] {
            if (machine->state() && machine->state()->pause) machine->ask(core::Request::Resume);
        });
        events_.emplace(timeline_.now + 2h, [&machine] {
            const bool off =
                machine->state() && machine->state()->current && machine->state()->current->off_by_person;
            if (off) machine->ask_about_key(core::Request::Enable);
        });
        events_.emplace(timeline_.now + 6h, [&machine] { machine->wake(Trigger::Retry); });
    }
    check();
}

void World::live() {
    for (auto next = next_event(); next && *next <= end_; next = next_event()) step(*next);
    timeline_.now = std::max(timeline_.now, end_);
    heal();
    const Instant last = timeline_.now + calm;
    for (auto next = next_event(); next && *next <= last; next = next_event()) step(*next);
    timeline_.now = std::max(timeline_.now, last);
    for (const auto& machine : machines_) check_recovery(*machine);
}

void World::sum_up() {
    ++scene_.coverage.seeds;
    scene_.coverage.keys += cloud_.ever_made();
    scene_.coverage.lived += (timeline_.now - start_) * static_cast<Millis::rep>(machines_.size());
}

Outcome run(std::uint64_t seed, Coverage& coverage, bool told, Bug bug) {
    World world(seed, coverage, told, bug);
    Outcome outcome;
    try {
        world.live();
    } catch (const Broken& broken) {
        outcome.broken = broken.promise;
        world.story().tell("world", "PROMISE BROKEN: ", broken.promise);
    }
    outcome.story = world.story().take();
    world.sum_up();
    return outcome;
}

}  // namespace devkey::sim
