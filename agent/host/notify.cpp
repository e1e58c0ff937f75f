#include "host/notify.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <ctime>
#include <string>

namespace devkey::host {
namespace {

// That systemd couldn't be told changes nothing for us: it sees by itself when we end.
void send(const std::string& message) {
    static_cast<void>(sd_notify(0, message.c_str()));
}

}  // namespace

void Notify::ready() {
    if (ready_) return;
    ready_ = true;
    send("READY=1");
}

void Notify::status(std::string_view text) {
    std::string line{text};
    std::ranges::replace(line, '\n', ' ');  // a line break would start another assignment
    send("STATUS=" + line);
}

void Notify::reloading() {
    if (!ready_) return;  // a service that is still starting can't be reloading
    timespec now{};
    static_cast<void>(clock_gettime(CLOCK_MONOTONIC, &now));
    send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

void Notify::reloaded() {
    if (ready_) send("READY=1");
}

void Notify::stopping() {
    send("STOPPING=1");
}

void Notify::alive(std::chrono::microseconds until_next) {
    send(ready_ ? "WATCHDOG=1" : fmt::format("WATCHDOG=1\nEXTEND_TIMEOUT_USEC={}", until_next.count()));
}

}  // namespace devkey::host
