#include "host/notify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <string>

#include "host/datagram.hpp"

namespace devkey::host {
namespace {

// The protocol is sd_notify(3)'s: a datagram. False: there is somebody who should have heard it, and didn't.
// Most often that changes nothing for us: systemd sees by itself when we end.
bool send(const std::string& message) {
    const char* const socket = ::getenv("NOTIFY_SOCKET");
    return socket == nullptr || send_datagram(socket, message) == 0;
}

}  // namespace

void Notify::ready() {
    ready_ = ready_ || send("READY=1");
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
