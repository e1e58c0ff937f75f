// The file that the device's program touches while it lives.
#pragma once

#include <string>
#include <utility>

#include "ports/heartbeat.hpp"

namespace devkey::host {

class HeartbeatFile : public ports::Heartbeat {
 public:
    /// `path` is absolute; empty: there is none.
    explicit HeartbeatFile(std::string path) : path_(std::move(path)) {}

    /// Of a symbolic link, what it leads to. Never opens the file, which may be a pipe.
    [[nodiscard]] core::Result<std::optional<core::Instant>> last_beat() override;

 private:
    std::string path_;
};

}  // namespace devkey::host
