// What systemd is told (sd_notify(3)). Nothing happens where nobody listens ($NOTIFY_SOCKET).
#pragma once

#include <chrono>
#include <string_view>

namespace devkey::host {

class Notify {
 public:
    /// READY=1, until systemd heard it once: a usable credential is on disk.
    void ready();
    /// One line for `systemctl status`; never a secret.
    void status(std::string_view text);
    /// Around reading the settings again.
    void reloading();
    void reloaded();
    void stopping();
    /// WATCHDOG=1. Before ready(), the start may take as long from now on, too: that watches over a start,
    /// which systemd's watchdog doesn't.
    void alive(std::chrono::microseconds until_next);

 private:
    bool ready_ = false;
};

}  // namespace devkey::host
