// What systemd is told (sd_notify). Nothing happens where nobody listens ($NOTIFY_SOCKET).
#pragma once

#include <string_view>

namespace devkey::host {

class Notify {
 public:
    /// READY=1, once: a usable credential is on disk.
    void ready();
    /// One line for `systemctl status`; never a secret.
    void status(std::string_view text);
    /// Around reading the settings again.
    void reloading();
    void reloaded();
    void stopping();

 private:
    bool ready_ = false;
};

}  // namespace devkey::host
