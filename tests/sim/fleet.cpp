#include "sim/fleet.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include "core/hash.hpp"
#include "sim/fleet_owner.hpp"

namespace devkey::sim {

using engine::Trigger;
using namespace std::chrono_literals;

namespace {

constexpr int most_passes_at_once = 300;

/// What devices of one owner share.
struct Common {
    const Fleet& fleet;
    Timeline& timeline;
    Traffic& traffic;
    Account& account;
    FleetReport& report;
};

class Device {
 public:
    Device(Common common, const std::string& id)
        : common_(common),
          setup_{.policy = common.fleet.policy,
                 .identity = {"https://keys.example", "app", "local-userpass:owner@example.com", id},
                 .key_prefix = "devkey",
                 .machine = "machine-of-" + id,
                 .built_at = core::Instant{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}}},
          dice_(core::stable_hash(id)),
          clock_(common.timeline),
          connection_(common.account, common.fleet.service, clock_, common.traffic) {
        const auto span =
            static_cast<std::uint64_t>(std::max<Millis>(common.fleet.start_within, 1ms).count());
        start_at(common.timeline.now +
                 Millis{static_cast<Millis::rep>(core::stable_hash(id + "#start") % span)});
    }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    [[nodiscard]] std::optional<Instant> next_wake() const { return next_wake_; }

    void start_at(Instant when) {
        agent_.reset();
        next_wake_ = when;
    }

    /// Passes until nothing is due at once.
    void wake() {
        const bool starts = !agent_;
        if (starts) boot();
        Trigger trigger = starts ? Trigger::Start : Trigger::Due;
        for (int passes = 0; passes < most_passes_at_once; ++passes) {
            const auto snapshot = agent_->pass(trigger);
            note(snapshot);
            if (!snapshot.more) return sleep(snapshot.decision);
            trigger = Trigger::Due;
        }
        throw Broken{"6: " + setup_.identity.device + " doesn't settle"};
    }

    void end() {
        auto& report = common_.report;
        if (published_at_) note_age();
        if (wants_since_) {
            note_wait();
            ++report.waiting_devices;
        }
        ++report.in_the_end[reason_];
    }

 private:
    void boot() {
        clock_.reboot();
        connection_.forget();
        agent_.emplace(
            engine::World{connection_, store_, sink_, clock_, entropy_, reporter_, program_, hooks_}, setup_);
    }

    void sleep(const core::Decision& decision) {
        reason_ = decision.reason;
        next_wake_.reset();
        // Time goes on between two wakes.
        if (decision.again)
            next_wake_ = std::max(clock_.true_time_of(*decision.again), common_.timeline.now + 1ms);
    }

    void note(const engine::Snapshot& snapshot) {
        ++common_.report.passes;
        const bool asks = snapshot.decision.action == core::Action::AskService;
        if (asks && !wants_since_) wants_since_ = common_.timeline.now;
        if (snapshot.generation != generation_ && snapshot.usable) note_published(snapshot.generation);
    }

    void note_published(unsigned generation) {
        auto& report = common_.report;
        if (published_at_) {
            const Millis period = note_age();
            ++report.rotations;
            report.shortest_period = std::min(period, report.shortest_period.value_or(period));
            report.longest_period = std::max(period, report.longest_period.value_or(period));
        }
        note_wait();
        wants_since_.reset();
        generation_ = generation;
        published_at_ = common_.timeline.now;
    }

    Millis note_age() {
        const Millis age = common_.timeline.now - *published_at_;
        common_.report.greatest_age = std::max(common_.report.greatest_age, age);
        return age;
    }

    void note_wait() {
        const Millis wait = common_.timeline.now - wants_since_.value_or(common_.timeline.now);
        common_.report.longest_wait = std::max(common_.report.longest_wait, wait);
    }

    Common common_;
    engine::Setup setup_;
    Dice dice_;
    Clock clock_;
    FineConnection connection_;
    FineStore store_;
    FineSink sink_;
    FineProgram program_{clock_};
    FineHooks hooks_;
    Entropy entropy_{dice_};
    NoReporter reporter_;
    std::optional<engine::Reconciler> agent_;
    std::optional<Instant> next_wake_;
    // what an onlooker remembers
    core::Reason reason_{};
    unsigned generation_ = 0;
    std::optional<Instant> published_at_;
    std::optional<Instant> wants_since_;
};

/// Owners have nothing to do with each other: one after another is lived through, with all its devices.
class OwnersLife {
 public:
    OwnersLife(const Fleet& fleet, std::size_t first, std::size_t count, FleetReport& report)
        : fleet_(fleet),
          report_(report),
          traffic_(timeline_, report.minutes),
          account_(fleet.service.keys_per_owner) {
        for (std::size_t number = first; number < first + count; ++number)
            devices_.emplace_back(Common{fleet_, timeline_, traffic_, account_, report_},
                                  "device-" + std::to_string(number));
    }

    void live() {
        const Instant end = timeline_.now + fleet_.lasts;
        Instant power_cut = fleet_.power_cut ? timeline_.now + fleet_.power_cut->at : end;
        while (Device* next = earliest()) {
            const Instant at = *next->next_wake();
            if (at >= end) break;
            if (at >= power_cut) {
                for (auto& device : devices_) device.start_at(power_cut + fleet_.power_cut->lasts);
                power_cut = end;
                continue;
            }
            timeline_.now = at;
            next->wake();
        }
        timeline_.now = end;
        for (auto& device : devices_) device.end();
        report_.keys_made += account_.made();
        report_.most_keys = std::max(report_.most_keys, account_.most());
    }

 private:
    /// The device that wakes first; none: none ever does.
    Device* earliest() {
        Device* first = nullptr;
        for (auto& device : devices_)
            if (device.next_wake() && (first == nullptr || *device.next_wake() < *first->next_wake()))
                first = &device;
        return first;
    }

    const Fleet& fleet_;
    FleetReport& report_;
    Timeline timeline_;
    Traffic traffic_;
    Account account_;
    std::deque<Device> devices_;
};

FleetReport empty_report(const Fleet& fleet) {
    FleetReport report;
    report.minutes.resize(static_cast<std::size_t>(fleet.lasts / 1min) + 1);
    return report;
}

/// The requests of the minutes in [from, to), both since the fleet's beginning.
std::uint64_t requests_between(const FleetReport& report, Millis from, Millis to) {
    std::uint64_t sum = 0;
    for (auto minute = from / 1min; minute < to / 1min; ++minute)
        sum += report.minutes[static_cast<std::size_t>(minute)];
    return sum;
}

double ratio(double part, double whole) {
    return whole == 0 ? 0 : part / whole;
}

}  // namespace

void FleetReport::add(const FleetReport& other) {
    const auto stretch = [](auto& mine, const auto& theirs, auto choose) {
        if (theirs) mine = mine ? choose(*mine, *theirs) : *theirs;
    };
    minutes.resize(std::max(minutes.size(), other.minutes.size()));
    for (std::size_t minute = 0; minute < other.minutes.size(); ++minute)
        minutes[minute] += other.minutes[minute];
    passes += other.passes;
    keys_made += other.keys_made;
    rotations += other.rotations;
    stretch(shortest_period, other.shortest_period, [](Millis a, Millis b) { return std::min(a, b); });
    stretch(longest_period, other.longest_period, [](Millis a, Millis b) { return std::max(a, b); });
    greatest_age = std::max(greatest_age, other.greatest_age);
    most_keys = std::max(most_keys, other.most_keys);
    longest_wait = std::max(longest_wait, other.longest_wait);
    waiting_devices += other.waiting_devices;
    for (const auto& [reason, devices] : other.in_the_end) in_the_end[reason] += devices;
}

std::uint64_t FleetReport::requests() const {
    std::uint64_t sum = 0;
    for (const auto count : minutes) sum += count;
    return sum;
}

double SteadyState::mean() const {
    return ratio(static_cast<double>(requests), static_cast<double>(hours));
}

double SteadyState::peak_to_mean() const {
    return ratio(static_cast<double>(peak), mean());
}

double Restart::mean_minute() const {
    return static_cast<double>(requests) / 60;
}

double Restart::peak_to_mean() const {
    return ratio(static_cast<double>(busiest_minute), mean_minute());
}

FleetReport live_through(const Fleet& fleet, unsigned jobs) {
    FleetReport report = empty_report(fleet);
    std::exception_ptr broken;
    std::mutex mutex;
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
        FleetReport mine = empty_report(fleet);
        std::exception_ptr mine_broken;
        try {
            for (auto first = next.fetch_add(fleet.per_owner); first < fleet.devices;
                 first = next.fetch_add(fleet.per_owner))
                OwnersLife{fleet, first, std::min(fleet.per_owner, fleet.devices - first), mine}.live();
        } catch (const Broken&) {
            mine_broken = std::current_exception();
        }
        const std::lock_guard lock(mutex);
        report.add(mine);
        if (mine_broken) broken = mine_broken;
    };
    std::vector<std::jthread> threads;
    for (unsigned job = 1; job < jobs; ++job) threads.emplace_back(work);
    work();
    threads.clear();
    if (broken) std::rethrow_exception(broken);
    return report;
}

SteadyState steady_state(const Fleet& fleet, const FleetReport& report) {
    SteadyState steady;
    steady.from =
        fleet.policy.rotate.after ? fleet.start_within + *fleet.policy.rotate.after : fleet.lasts / 2;
    for (Millis hour = std::chrono::ceil<std::chrono::hours>(steady.from); hour + 1h <= fleet.lasts;
         hour += 1h) {
        const auto& cut = fleet.power_cut;
        if (cut && hour + 1h > cut->at && hour < cut->at + cut->lasts + 1h) continue;
        const auto requests = requests_between(report, hour, hour + 1h);
        ++steady.hours;
        steady.requests += requests;
        steady.peak = std::max(steady.peak, requests);
    }
    return steady;
}

std::optional<Restart> restart_of(const Fleet& fleet, const FleetReport& report) {
    if (!fleet.power_cut) return std::nullopt;
    const Millis from = fleet.power_cut->at + fleet.power_cut->lasts;
    if (from + 1h > fleet.lasts) return std::nullopt;
    Restart restart;
    for (Millis minute = from; minute < from + 1h; minute += 1min) {
        const auto requests = requests_between(report, minute, minute + 1min);
        restart.requests += requests;
        restart.busiest_minute = std::max(restart.busiest_minute, requests);
    }
    return restart;
}

}  // namespace devkey::sim
