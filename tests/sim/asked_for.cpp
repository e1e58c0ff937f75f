// What people ask of machines.
#include <chrono>

#include "sim/world.hpp"

namespace devkey::sim {

using engine::Trigger;
using std::chrono::days;
using namespace std::chrono_literals;

void World::ask_rotation() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "a person asks for a new key");
    if (dice_.chance(500))
        machine.wake(Trigger::Rotate);
    else
        machine.ask_for_rotation(false);
}

void World::report_leak() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "a person says that its key is in the wrong hands");
    machine.ask_for_rotation(true);
}

void World::ask_rollback() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "a person asks for the key before this one");
    machine.ask_about_key(core::Request::Rollback);
}

void World::ask_switch() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "a person asks that its key be disabled");
    machine.ask_about_key(core::Request::Disable);
    after(1min, days{4}, [this, &machine] {
        story_.tell(machine.name(), "a person asks that its key be enabled");
        machine.ask_about_key(core::Request::Enable);
    });
}

void World::acknowledge() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "its program says that it uses the key");
    machine.ask_about_key(core::Request::Acknowledge);
}

void World::ask_pause() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "a person asks for a pause");
    const bool ends = dice_.chance(500);
    machine.ask_for_pause(ends ? std::optional(dice_.between(1min, days{3})) : std::nullopt);
    after(1min, days{5}, [this, &machine] {
        story_.tell(machine.name(), "a person ends the pause");
        machine.ask(core::Request::Resume);
    });
}

void World::retry() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "a person sends SIGHUP");
    machine.wake(Trigger::Retry);
}

void World::decommission() {
    Machine& machine = any_machine();
    if (!machine.twin) leave(machine);
}

void World::leave(Machine& machine) {
    story_.tell(machine.name(), "a person takes it out of service");
    machine.ask(core::Request::Decommission);
    if (!dice_.chance(600)) return;
    after(1min, days{7}, [this, &machine] {
        story_.tell(machine.name(), "a person takes it into service again");
        machine.ask(core::Request::Recommission);
    });
}

void World::take_over() {
    Machine& machine = any_machine();
    story_.tell(machine.name(), "a person takes it over");
    machine.ask(core::Request::TakeOver);
}

}  // namespace devkey::sim
