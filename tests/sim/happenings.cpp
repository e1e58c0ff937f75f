// What befalls machines, what people do, and what befalls the service.
#include <algorithm>
#include <chrono>

#include "sim/scenario.hpp"
#include "sim/world.hpp"

namespace devkey::sim {

using engine::Trigger;
using std::chrono::days;
using namespace std::chrono_literals;

const std::vector<World::Kind>& World::kinds() {
    static const std::vector<Kind> all{
        {"kill", &World::kill},
        {"power-cut", &World::cut_power},
        {"boot-in-1970", &World::boot_in_1970},
        {"boot-at-old-time", &World::boot_at_old_time},
        {"clock-jump", &World::jump_clock},
        {"ntp-stops", &World::stop_ntp},
        {"suspend", &World::suspend},
        {"disk-full", &World::fill_disk},
        {"disk-flaky", &World::wear_disk},
        {"disk-unreadable", &World::lose_reads},
        {"state-corrupt", &World::corrupt_state},
        {"file-removed", &World::remove_file},
        {"file-altered", &World::alter_file},
        {"file-loosened", &World::loosen_file},
        {"rotation-asked", &World::ask_rotation},
        {"key-compromised", &World::report_leak},
        {"rollback-asked", &World::ask_rollback},
        {"switch-asked", &World::ask_switch},
        {"key-acknowledged", &World::acknowledge},
        {"pause-asked", &World::ask_pause},
        {"hooks-broken", &World::break_hooks},
        {"retry-asked", &World::retry},
        {"policy-edited", &World::edit_policy},
        {"identity-edited", &World::edit_identity},
        {"program-stops", &World::stop_program},
        {"program-stops", &World::stop_program},
        {"decommission", &World::decommission},
        {"take-over", &World::take_over},
        {"re-image", &World::re_image},
        {"clone", &World::clone},
        {"backup-made", &World::make_backup},
        {"backup-restored", &World::restore_backup},
        {"key-disabled", &World::disable_key},
        {"key-deleted", &World::delete_key},
        {"key-enabled", &World::enable_key},
        {"quota-filled", &World::fill_quota},
        {"quota-freed", &World::free_quota},
        {"weather", &World::change_weather},
        {"weather", &World::change_weather},
        {"sessions-end", &World::end_sessions},
        {"date-wrong", &World::tell_wrong_date},
    };
    return all;
}

void World::kill() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "the process is killed");
    machine.die();
}

void World::cut_power() {
    any_machine().reboot();
}

void World::boot_in_1970() {
    Machine& machine = any_machine();
    machine.reboot();
    machine.set_clock(Instant{} + days{1} - timeline_.now, false);
    story_.tell(machine.name(), "its clock stands at 1970");
    if (!dice_.chance(600)) return;
    after(1min, days{3}, [this, &machine] {
        story_.tell(machine.name(), "NTP sets its clock right");
        machine.set_clock(Millis{0}, true);
        machine.wake(Trigger::Due);
    });
}

/// A device without a battery for its clock starts at a time that it had saved, or that a thief likes.
void World::boot_at_old_time() {
    Machine& machine = any_machine();
    machine.reboot();
    const auto& beat = machine.program.beat();
    const bool at_beat = beat && dice_.chance(500);
    const Millis back =
        at_beat ? timeline_.now - *beat + dice_.between(-10min, 10min) : dice_.between(0s, days{10});
    machine.set_clock(-back, false);
    story_.tell(machine.name(), "its clock starts ", core::format_duration(back), " behind");
    if (!dice_.chance(600)) return;
    after(1min, days{3}, [this, &machine] {
        story_.tell(machine.name(), "NTP sets its clock right");
        machine.set_clock(Millis{0}, true);
        machine.wake(Trigger::Due);
    });
}

void World::jump_clock() {
    Machine& machine = any_machine();
    const Millis by =
        dice_.one_of<Millis>({days{365}, -days{365}, 1h, -1h, days{40}, -days{5}}) + dice_.between(0s, 1min);
    machine.set_clock(machine.clock.wrong_by() + by, dice_.chance(300));  // NTP, too, can be wrong
    story_.tell(machine.name(), "its clock jumps ", by > 0s ? "ahead " : "back ",
                core::format_duration(abs(by)));
    machine.wake(Trigger::Due);
    after(1min, days{20}, [this, &machine] {
        story_.tell(machine.name(), "its clock is set right");
        machine.set_clock(Millis{0}, true);
        machine.wake(Trigger::Due);
    });
}

void World::stop_ntp() {
    any_machine().clock.synchronised = false;
}

void World::suspend() {
    Machine& machine = any_machine();
    const Millis length = dice_.between(1h, days{10});
    story_.tell(machine.name(), "is suspended for ", core::format_duration(length));
    machine.sleep_until(timeline_.now + length);
}

void World::fill_disk() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "its disk is full");
    machine.disk.full = true;
    after(1min, days{3}, [this, &machine] {
        story_.tell(machine.name(), "its disk has room again");
        machine.disk.full = false;
    });
}

void World::wear_disk() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "its disk fails now and then");
    machine.disk.flaky = dice_.one_of({50U, 300U});
    after(1h, days{7}, [&machine] { machine.disk.flaky = 0; });
}

void World::lose_reads() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "its disk can't be read; the process is restarted");
    machine.disk.unreadable = true;
    machine.die();
    after(1min, days{1}, [this, &machine] {
        story_.tell(machine.name(), "its disk can be read again, and a person sends SIGHUP");
        machine.disk.unreadable = false;
        machine.wake(Trigger::Retry);
    });
}

void World::corrupt_state() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "its state file is damaged, and the process restarted");
    machine.disk.corrupt = true;
    machine.die();
    after(1min, days{1}, [this, &machine] {
        story_.tell(machine.name(), "a person restores its state file and sends SIGHUP");
        machine.disk.corrupt = false;
        machine.wake(Trigger::Retry);
    });
}

void World::remove_file() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "somebody removes the credential file");
    machine.sink.file = {.content = std::nullopt, .altered = true};
    machine.wake(Trigger::CredentialFile);
}

void World::alter_file() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "somebody alters the credential file");
    machine.sink.file.altered = true;
    machine.wake(Trigger::CredentialFile);
}

void World::loosen_file() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "somebody loosens the credential file's mode");
    machine.sink.file.loosened = true;
    machine.wake(Trigger::CredentialFile);
}

void World::break_hooks() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "its hooks fail from now on");
    machine.hooks.failing = 1000;
    after(1min, days{5}, [this, &machine] {
        story_.tell(machine.name(), "its hooks work again");
        machine.hooks.failing = 100;
    });
}

void World::edit_policy() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "a person edits the policy");
    machine.setup.policy = random_policy(dice_, cloud_.can);
    if (machine.is_up()) machine.start();
}

void World::edit_identity() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "a person names another owner in the settings");
    machine.setup.identity.owner = "local-userpass:bob";
    if (machine.is_up()) machine.start();
    if (!machine.twin && dice_.chance(400)) leave(machine);
    after(1min, days{2}, [this, &machine] {
        story_.tell(machine.name(), "the settings name the owner again");
        machine.name_owner_again();
        if (machine.is_up()) machine.start();
    });
}

void World::stop_program() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "its program stops");
    machine.program.stop();
    // Whoever took the device away may switch it off and on.
    if (dice_.chance(300)) after(1h, days{4}, [&machine] { machine.reboot(); });
    after(1h, days{6}, [this, &machine] {
        story_.tell(machine.name(), "its program runs again");
        machine.program.go_on();
    });
}

void World::re_image() {
    Machine& machine = any_machine();
    if (!machine.twin) machine.re_image(dice_.chance(500));
}

/// The disk of a device is copied, now or when it is in the middle of a create.
void World::clone() {
    if (dice_.chance(500))
        copy_within_create_ = true;
    else
        copy(any_machine(), dice_.chance(300));
}

void World::copy_within_create() {
    const auto open = [](const auto& machine) {
        const auto& state = machine->state();
        return state && (state->intent || state->pending);
    };
    const auto found = std::ranges::find_if(machines_, open);
    if (!copy_within_create_ || found == machines_.end()) return;
    copy_within_create_ = false;
    ++scene_.coverage.events["clone-within-create"];
    copy(**found, dice_.chance(700));
}

/// A copy comes to life on another machine, or on one that can't be told from the first.
void World::copy(Machine& first, bool same) {
    if (!first.state() || first.twin || machines_.size() >= 4) return;
    auto setup = first.setup;
    if (!same && setup.machine.empty()) return;
    if (!same) setup.machine += "-copy";
    story_.tell(first.name(), "its disk is copied to ", same ? "a machine just like it" : "another machine");
    add_machine(std::move(setup)).copy_disk_of(first);
}

void World::make_backup() {
    any_machine().make_backup();
}

void World::restore_backup() {
    any_machine().restore_backup();
}

void World::disable_key() {
    const auto& keys = cloud_.keys();
    if (keys.empty()) return;
    const auto id = keys[keys.size() - 1 - dice_.below(std::min<std::size_t>(keys.size(), 4))].id;
    story_.tell("person", "disables ", id);
    CloudKey& key = *cloud_.find(id);
    key.off_by_person = key.off_by_person || key.enabled;
    key.by_person = true;
    static_cast<void>(cloud_.set_enabled(id, false).has_value());
}

void World::delete_key() {
    const auto& keys = cloud_.keys();
    if (keys.empty()) return;
    const auto id = keys[keys.size() - 1 - dice_.below(std::min<std::size_t>(keys.size(), 4))].id;
    story_.tell("person", "deletes ", id);
    cloud_.remove(id);
    cloud_.find(id)->by_person = true;
}

void World::enable_key() {
    for (const auto& key : cloud_.keys()) {
        if (key.enabled || !key.by_person) continue;
        story_.tell("person", "enables ", key.id, " again");
        static_cast<void>(cloud_.set_enabled(key.id, true).has_value());
        cloud_.find(key.id)->enabled_by_person = true;
        return;
    }
}

void World::fill_quota() {
    if (cloud_.can.keys_per_owner == 0) return;
    const auto leave = dice_.below(3);
    story_.tell("person", "makes keys until ", std::to_string(leave), " more fit");
    while (cloud_.keys().size() + leave < cloud_.can.keys_per_owner)
        static_cast<void>(cloud_.create("web-shop-" + std::to_string(cloud_.ever_made()), 0).has_value());
}

void World::free_quota() {
    story_.tell("person", "removes all keys made by hand");
    std::vector<std::string> ids;
    for (const auto& key : cloud_.keys())
        if (key.maker == 0) ids.push_back(key.id);
    for (const auto& id : ids) cloud_.remove(id);
}

void World::change_weather() {
    static const std::vector<Weather> weathers{
        {.name = "flaky", .trouble = 300},
        {.name = "stormy", .trouble = 700},
        {.name = "down", .down = true},
        {.name = "owner refused", .owner_refused = true},
        {.name = "forbidden", .forbidden = true},
        {.name = "log-ins with keys switched off", .provider_off = true},
        {.name = "log-ins with keys refused", .logins_refused = true},
        {.name = "rate limited", .rate_limited = true},
        {.name = "telling no date", .tells_date = false},
    };
    cloud_.weather = weathers[dice_.below(weathers.size())];
    story_.tell("service", "is ", cloud_.weather.name);
    ++scene_.coverage.faults[cloud_.weather.name];
    after(1min, days{4}, [this] {
        story_.tell("service", "is fine again");
        cloud_.weather = {};
    });
}

void World::tell_wrong_date() {
    const Millis by = dice_.one_of<Millis>({days{365}, -days{365}, 3h, -3h, days{2}, -days{2}});
    story_.tell("service", "its clock is ", core::format_duration(abs(by)), by > 0s ? " ahead" : " behind");
    cloud_.date_wrong_by = by;
    after(1min, days{4}, [this] {
        story_.tell("service", "its clock is right again");
        cloud_.date_wrong_by = Millis{0};
    });
}

void World::end_sessions() {
    for (const auto& machine : machines_) machine->connection.end_session();
}

}  // namespace devkey::sim
