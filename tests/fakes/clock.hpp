// A machine's time, and the program that lives by it.
#pragma once

#include <chrono>
#include <optional>

#include "ports/clock.hpp"
#include "ports/heartbeat.hpp"

namespace devkey::fakes {

class Clock : public ports::Clock {
 public:
    [[nodiscard]] core::Instant now() const override { return true_now() + wrong_by; }
    [[nodiscard]] core::BootInstant boot_now() const override {
        return core::BootInstant{std::chrono::hours{1} + elapsed_ - booted_};
    }
    [[nodiscard]] bool is_synchronised() const override { return synchronised; }
    [[nodiscard]] core::Millis utc_offset() const override { return offset; }
    /// What a clock that is right would show.
    [[nodiscard]] core::Instant true_now() const {
        return core::Instant{std::chrono::sys_days{std::chrono::year{2026} / 1 / 2}} + elapsed_;
    }
    void advance(core::Millis by) { elapsed_ += by; }
    void reboot() { booted_ = elapsed_; }

    core::Millis wrong_by{};  ///< how far the wall clock is ahead
    bool synchronised = true;
    core::Millis offset{};

 private:
    core::Millis elapsed_{};
    core::Millis booted_{};
};

/// Tags that differ, and are the same in every run.
/// The device's program: it touches its file all the time while it runs.
class Program : public ports::Heartbeat {
 public:
    explicit Program(Clock& clock) : clock_(clock) {}
    core::Result<std::optional<core::Instant>> last_beat() override {
        if (unreadable) return std::unexpected(*unreadable);
        return runs ? clock_.now() : beat;
    }
    void stop() { runs = false, beat = clock_.now(); }

    bool runs = true;
    std::optional<core::Instant> beat;  ///< the latest, once it has stopped; none: there is no file
    std::optional<core::Error> unreadable;

 private:
    Clock& clock_;
};

}  // namespace devkey::fakes
