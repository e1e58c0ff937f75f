// A machine with an agent on it: clock, disk, process; and what an onlooker remembers of it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/reconciler.hpp"
#include "sim/connection.hpp"
#include "sim/disk.hpp"
#include "sim/planted.hpp"
#include "sim/program.hpp"
#include "sim/scene.hpp"

namespace devkey::sim {

class Clock : public ports::Clock {
 public:
    explicit Clock(const Timeline& timeline) : timeline_(timeline) { reboot(); }
    [[nodiscard]] core::Instant now() const override { return timeline_.now + wrong_by_; }
    [[nodiscard]] core::BootInstant boot_now() const override {
        return core::BootInstant{timeline_.now - booted_};
    }
    [[nodiscard]] bool is_synchronised() const override { return synchronised; }
    [[nodiscard]] Millis utc_offset() const override { return offset; }
    /// The true time of a time since boot.
    [[nodiscard]] Instant true_time_of(core::BootInstant at) const { return booted_ + at.time_since_epoch(); }
    void reboot() { booted_ = timeline_.now - std::chrono::seconds{20}; }

    /// How far the wall clock is ahead of the truth.
    [[nodiscard]] Millis wrong_by() const { return wrong_by_; }
    void set(Millis wrong_by) { wrong_by_ = wrong_by; }

    bool synchronised = true;
    Millis offset{};

 private:
    const Timeline& timeline_;
    Millis wrong_by_{};
    Instant booted_{};
};

class Entropy : public ports::Entropy {
 public:
    explicit Entropy(Dice& dice) : dice_(dice) {}
    [[nodiscard]] std::string tag(std::size_t length) override {
        std::string tag(length, 'a');
        for (char& c : tag) c = "abcdefghijklmnopqrstuvwxyz234567"[dice_.below(32)];
        return tag;
    }

 private:
    Dice& dice_;
};

/// Programs of the policy, which fail now and then, or for a while.
class Hooks : public ports::Hooks {
 public:
    explicit Hooks(Dice& dice) : dice_(dice) {}
    core::Result<void> run(const core::Hook& /*hook*/, const ports::HookFacts& /*facts*/) override {
        if (dice_.chance(failing)) return core::fail(core::ErrorKind::Unavailable, "ended with status 1");
        return {};
    }

    unsigned failing = 100;  ///< of a thousand runs

 private:
    Dice& dice_;
};

class NoReporter : public ports::Reporter {
 public:
    void report(const ports::Event&) noexcept override {}
};

/// What an onlooker remembers of a dead man's switch that tripped.
struct SwitchedOff {
    std::string key;            ///< its id
    Instant looked_at{};        ///< the program was silent then
    Instant written_down_at{};  ///< the service had been asked before whether somebody else had disabled it
};

/// It has told that another device uses its state, and that nothing is changed anywhere.
struct CloneHold {
    std::size_t lists = 0;             ///< that it had seen by then: another may show no twin any more
    std::optional<std::string> begun;  ///< the name of a create that was under way: it is finished
};

class Machine {
 public:
    /// `name`: how the story calls it.
    Machine(Scene& scene, std::string name, engine::Setup setup, Bug bug);
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    /// The process starts anew, or uses edited settings.
    void start();
    /// Passes until nothing is due at once. Does nothing while the process is down.
    void wake(engine::Trigger trigger);
    /// A person writes down what is to be done; it stands until it is, or until another takes its place.
    void ask(core::Request what);
    /// Likewise: to replace the key it has now.
    void ask_for_rotation(bool compromised);
    /// Likewise: about the key it has now.
    void ask_about_key(core::Request what);
    void ask_for_pause(std::optional<Millis> span);
    /// The process dies, and is started again after a while.
    void die();
    /// Power is gone, and back: the process dies, the clock starts again.
    void reboot();
    /// The wall clock is set, by a person, NTP or itself.
    void set_clock(Millis wrong_by, bool synchronised);
    /// Nothing runs until then.
    void sleep_until(Instant until);
    /// The settings name the owner again whose the state is.
    void name_owner_again();
    /// The state is gone: a new life begins.
    void re_image(bool keep_credential_file);
    /// Takes over another machine's disk.
    void copy_disk_of(Machine& other);
    void make_backup();
    /// The state becomes that of the backup, if there is one; the process starts anew.
    void restore_backup();

    [[nodiscard]] bool is_up() const { return agent_.has_value(); }
    [[nodiscard]] const engine::Snapshot& latest() const { return latest_; }
    [[nodiscard]] const std::optional<core::State>& state() const { return store.state; }
    [[nodiscard]] const std::string& name() const { return effects.who(); }

    Scene& scene;
    engine::Setup setup;
    Effects effects;
    DiskMood disk;
    std::unique_ptr<Files> files;  ///< in a world with real files
    Store store;
    Sink sink;
    Clock clock;
    Program program;
    Connection connection;
    Hooks hooks;
    core::Asking asking;                      ///< what a person asked for, until it is done
    bool may_leave = false;                   ///< a person asked to take it out of service
    std::optional<SwitchedOff> switched_off;  ///< by the dead man's switch, until it is enabled again
    std::optional<std::string> returning;     ///< the id of the key that is to come back
    std::optional<CloneHold> clone_hold;
    std::optional<Instant> next_wake;                  ///< in true time
    bool twin = false;                                 ///< it shares its state with another machine
    std::optional<Instant> restored_at;                ///< when its state became an older one, from a backup
    Instant misled_at{};                               ///< when the service last had told it a wrong time
    std::map<std::uint32_t, std::string> generations;  ///< the name that each was used for

 private:
    void use_real_files(Bug bug);
    void after_pass(engine::Trigger trigger);
    void share_keys() const;
    void note_time();
    [[nodiscard]] std::string without_folder(std::string text) const;
    void note_clone_hold();
    void turn_hour();
    void note_requests();
    void note_disk();
    void note_new_life();

    std::unique_ptr<storage::FileCalls> planted_calls_;
    Entropy entropy_;
    NoReporter reporter_;
    Planted planted_;
    struct Backup {
        std::optional<core::State> state;
        std::map<std::uint32_t, std::string> generations;
        std::optional<SwitchedOff> switched_off;
        std::optional<std::string> returning;
    };
    std::optional<Backup> backup_;
    std::optional<engine::Reconciler> agent_;
    engine::Snapshot latest_;
    std::string installation_;
    Instant hour_{};
    std::size_t hours_requests_ = 0;
    std::size_t hours_wakes_ = 0;
    std::size_t disturbances_ =
        0;                       // this hour and the last: restarts, people in a hurry, a disk that refuses
    bool disk_refused_ = false;  // this hour
    std::size_t last_disturbances_ = 0;
};

}  // namespace devkey::sim
