#include "sim/program.hpp"

#include <chrono>

#include "sim/machine.hpp"

namespace devkey::sim {

using namespace std::chrono_literals;

core::Result<std::optional<core::Instant>> Program::last_beat() {
    catch_up();
    looked_at_ = timeline_.now;
    return file_;
}

void Program::stop() {
    catch_up();
    runs_ = false;
}

void Program::go_on() {
    if (std::exchange(runs_, true)) return;
    beats_from_ = timeline_.now;
}

void Program::reboot() {
    catch_up();
    if (!on_disk) file_.reset();
    beats_from_ = timeline_.now + 1s;
}

void Program::catch_up() {
    if (!runs_ || timeline_.now < beats_from_) return;
    const Millis running = timeline_.now - beats_from_;
    const Instant at = every == 0s ? timeline_.now : beats_from_ + running / every * every;
    if (beat_ && *beat_ >= at) return;
    beat_ = at;
    clock_then_ = clock_.wrong_by();
    file_ = at + clock_then_;
}

bool Program::clock_jumped_since_beat() const {
    return beat_ && clock_then_ != clock_.wrong_by();
}

}  // namespace devkey::sim
