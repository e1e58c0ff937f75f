// The device's program, and the heartbeat file that it touches.
#pragma once

#include <optional>

#include "core/time.hpp"
#include "ports/heartbeat.hpp"
#include "sim/story.hpp"

namespace devkey::sim {

class Clock;

class Program : public ports::Heartbeat {
 public:
    Program(const Timeline& timeline, const Clock& clock)
        : timeline_(timeline), clock_(clock), beats_from_(timeline.now) {}

    core::Result<std::optional<core::Instant>> last_beat() override;

    void stop();
    /// It beats at once, and then as before.
    void go_on();
    /// A machine that starts anew starts the program, if it runs; a file on a tmpfs is gone.
    void reboot();
    /// Makes the beats until now. To be called before the clock changes, which stamps them.
    void catch_up();

    [[nodiscard]] bool runs() const { return runs_; }
    [[nodiscard]] const std::optional<Instant>& beat() const { return beat_; }
    /// The stamp of the latest beat is not one of the clock as it stands now.
    [[nodiscard]] bool clock_jumped_since_beat() const;
    /// When the agent last looked.
    [[nodiscard]] Instant looked_at() const { return looked_at_; }

    Millis every{};        ///< from beat to beat; 0: it beats all the time
    bool on_disk = false;  ///< its file survives a reboot

 private:
    const Timeline& timeline_;
    const Clock& clock_;
    bool runs_ = true;
    Instant beats_from_;                 // in truth, as all here but the stamp
    std::optional<Instant> beat_;        // the latest
    Millis clock_then_{};                // how far ahead the clock was that stamped it
    std::optional<core::Instant> file_;  // its stamp
    Instant looked_at_{};
};

}  // namespace devkey::sim
