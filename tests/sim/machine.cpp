#include "sim/machine.hpp"

#include <chrono>

#include "sim/promises.hpp"

namespace devkey::sim {

using engine::Trigger;
using namespace std::chrono_literals;

namespace {

constexpr int most_passes_at_once = 300;

}  // namespace

Machine::Machine(Scene& scene_of, std::string name, engine::Setup setup_of, Bug bug)
    : scene(scene_of),
      setup(std::move(setup_of)),
      effects(scene_of, std::move(name)),
      store(scene, effects, disk),
      sink(scene, effects, disk),
      clock(scene.timeline),
      program(scene.timeline, clock),
      connection(
          scene, effects, clock,
          [this](std::string_view call, const std::string& subject) { check_change(*this, call, subject); }),
      hooks(scene.dice),
      entropy_(scene.dice),
      planted_(bug, {connection, store, sink, clock, entropy_, reporter_, program, hooks}) {
    connection.life = scene.cloud.new_life();
    if (scene.real_files) use_real_files(bug);
}

void Machine::use_real_files(Bug bug) {
    files = std::make_unique<Files>(scene, effects, disk);
    planted_calls_ = plant(bug, *files);
    auto& calls = planted_calls_ ? *planted_calls_ : *files;
    store.file.emplace(*files, calls, "state.json");
    sink.on_disk.emplace(*files, calls, "credential.json");
}

void Machine::start() {
    connection.forget();
    agent_.emplace(planted_.world(), setup);
    effects.agent = &*agent_;
    turn_hour();
    ++disturbances_;
    next_wake.reset();
    wake(Trigger::Start);
}

void Machine::wake(Trigger trigger) {
    if (!agent_) return;
    turn_hour();
    if (trigger == Trigger::Retry || trigger == Trigger::Rotate) ++disturbances_;
    ++hours_wakes_;
    try {
        for (int passes = 0; passes < most_passes_at_once; ++passes) {
            latest_ = agent_->pass(trigger, asking);
            if (latest_.request_done) asking = {};
            after_pass(trigger);
            if (!latest_.more) return;
            trigger = Trigger::Due;
        }
        throw Broken{"6: " + name() + " doesn't settle: " + std::string(name_of(latest_.decision.action)) +
                     ", " + std::string(name_of(latest_.decision.reason))};
    } catch (const fakes::Crash&) {
        note_new_life();
        note_switching_off(*this);
        note_returning(*this);
        // Half of what ends a process ends the machine.
        if (scene.dice.chance(300))
            reboot();
        else
            die();
        check_promises(*this);
    }
}

/// The story is the same in whatever folder the files are.
std::string Machine::without_folder(std::string text) const {
    const std::string folder = files ? files->path_of("") : std::string{};
    if (const auto at = text.find(folder); at != std::string::npos) text.erase(at, folder.size());
    return text;
}

void Machine::after_pass(Trigger /*trigger*/) {
    const auto& decision = latest_.decision;
    ++scene.coverage.passes;
    if (!decision.rule.empty()) ++scene.coverage.rules[decision.rule];
    ++scene.coverage.reasons[decision.reason];
    if (latest_.more)
        scene.story.tell(name(), name_of(decision.action), ", for ", name_of(decision.reason), " ",
                         decision.detail);
    else
        scene.story.tell(name(), "waits: ", name_of(decision.reason), " ", without_folder(decision.detail));
    note_new_life();
    note_returning(*this);
    note_disk();
    note_time();
    note_clone_hold();
    next_wake.reset();
    if (decision.again) next_wake = clock.true_time_of(*decision.again);
    note_requests();
    check_promises(*this);
}

void Machine::note_clone_hold() {
    const auto& decision = latest_.decision;
    if (decision.action != core::Action::Hold || decision.reason != core::Reason::CloneSuspected) return;
    clone_hold = CloneHold{.lists = connection.lists, .begun = std::nullopt};
    if (state() && state()->intent) clone_hold->begun = state()->intent->name;
    if (state() && state()->pending) clone_hold->begun = state()->pending->key.name;
}

void Machine::note_time() {
    if (connection.is_misled()) misled_at = scene.timeline.now;
}

/// A disk that refuses now and then costs requests: each try begins with a look.
void Machine::note_disk() {
    if (latest_.decision.reason != core::Reason::DiskRefuses) return;
    if (!std::exchange(disk_refused_, true)) ++disturbances_;
}

void Machine::turn_hour() {
    const auto hour = std::chrono::floor<std::chrono::hours>(scene.timeline.now);
    if (hour == std::exchange(hour_, hour)) return;
    last_disturbances_ = std::exchange(disturbances_, 0);
    hours_requests_ = hours_wakes_ = 0;
    disk_refused_ = false;
}

void Machine::note_requests() {
    turn_hour();
    hours_requests_ += connection.requests;
    scene.coverage.requests += std::exchange(connection.requests, 0);
    scene.coverage.busiest_hour = std::max(scene.coverage.busiest_hour, hours_requests_);
    check_quiet(*this, hours_requests_, hours_wakes_, disturbances_ + last_disturbances_);
}

void Machine::ask_for_rotation(bool compromised) {
    const bool has_key = state() && state()->current;
    asking = {.request = core::Request::Rotate,
              .generation = has_key ? state()->current->key.generation : 0,
              .compromised = compromised};
    wake(Trigger::Retry);
}

void Machine::ask_about_key(core::Request what) {
    const bool has_key = state() && state()->current;
    asking = {.request = what, .generation = has_key ? state()->current->key.generation : 0};
    wake(Trigger::Retry);
}

void Machine::ask_for_pause(std::optional<Millis> span) {
    asking = {.request = core::Request::Pause};
    if (span) asking.until = clock.now() + *span;
    wake(Trigger::Retry);
}

void Machine::ask(core::Request what) {
    asking = {.request = what};
    may_leave = may_leave || what == core::Request::Decommission;
    wake(Trigger::Retry);
}

/// Recommissioned under other settings, or for another machine: what it had disabled before is none of its
/// keys now.
void Machine::note_new_life() {
    if (!store.state) return;
    const bool other = !installation_.empty() && installation_ != store.state->installation;
    installation_ = store.state->installation;
    if (other) connection.life = scene.cloud.new_life();
}

void Machine::die() {
    agent_.reset();
    effects.agent = nullptr;
    connection.forget();
    next_wake = scene.timeline.now + scene.dice.between(100ms, 1min);
}

void Machine::reboot() {
    scene.story.tell(name(), "the power is cut");
    die();
    if (files) files->lose_power();
    store.lose_power();
    sink.lose_power();
    clock.reboot();
    program.reboot();
    next_wake = scene.timeline.now + scene.dice.between(20s, 6h);
}

void Machine::set_clock(Millis wrong_by, bool synchronised) {
    program.catch_up();
    clock.set(wrong_by);
    clock.synchronised = synchronised;
}

void Machine::sleep_until(Instant until) {
    if (next_wake) next_wake = std::max(*next_wake, until);
}

void Machine::name_owner_again() {
    setup.identity.owner = store.state ? store.state->identity.owner : "local-userpass:alice";
}

void Machine::re_image(bool keep_credential_file) {
    scene.story.tell(name(), "is re-imaged; the credential file is ", keep_credential_file ? "kept" : "lost");
    die();
    // What the former life had switched off, nobody will switch on.
    if (store.state && store.state->current && core::is_switched_off(store.state->current->standing))
        scene.cloud.find(store.state->current->key.id)->shared = true;
    store.put(std::nullopt);
    disk = {};
    asking = {};
    may_leave = false;
    restored_at.reset();
    backup_.reset();
    clone_hold.reset();
    installation_.clear();
    if (!keep_credential_file) sink.lose();
    sink.replaced_at.clear();
    generations.clear();
    connection.life = scene.cloud.new_life();
    twin = false;
}

void Machine::copy_disk_of(Machine& other) {
    store.put(other.store.state);
    sink.copy(other.sink);
    generations = other.generations;
    switched_off = other.switched_off;
    returning = other.returning;
    clone_hold.reset();  // what the copy has noticed it tells anew
    may_leave = other.may_leave;
    misled_at = other.misled_at;
    // A copy that can be told from the first does nothing to it.
    twin = true;
    if (setup.machine == other.setup.machine) other.twin = true;
    other.share_keys();
}

void Machine::share_keys() const {
    if (!sink.published.empty()) scene.cloud.find(sink.published)->shared = true;  // a former life's, say
    if (!store.state) return;
    std::vector<std::string> open;
    if (store.state->intent) open.push_back(store.state->intent->name);
    if (store.state->pending) open.push_back(store.state->pending->key.name);
    scene.cloud.share(store.state->installation, std::move(open));
}

void Machine::make_backup() {
    scene.story.tell(name(), "a backup of its state is made");
    backup_ = {.state = store.state,
               .generations = generations,
               .switched_off = switched_off,
               .returning = returning};
}

void Machine::restore_backup() {
    if (!backup_ || twin) return;
    scene.story.tell(name(), "its state is restored from the backup, and the process restarted");
    die();
    // What it did since, it has forgotten: a key of that time is a twin's to it, or what was begun then.
    share_keys();
    store.put(backup_->state);
    share_keys();
    generations = backup_->generations;
    switched_off = backup_->switched_off;
    returning = backup_->returning;
    clone_hold.reset();
    asking = {};
    installation_ = store.state ? store.state->installation : std::string{};
    connection.life = scene.cloud.new_life();
    restored_at = scene.timeline.now;
}

}  // namespace devkey::sim
