// A world from one seed: devices of one owner, their service, and everything that befalls them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/machine.hpp"
#include "sim/scene.hpp"

namespace devkey::sim {

struct Outcome {
    std::optional<std::string> broken;  ///< the promise that was broken, and how
    std::vector<std::string> story;     ///< a line for each thing that happened, if it was to be told
};

/// Lives through the world of that seed. The same seed gives the same world, always.
[[nodiscard]] Outcome run(std::uint64_t seed, Coverage& coverage, bool told = false, Bug bug = Bug::None);

class World {
 public:
    World(std::uint64_t seed, Coverage& coverage, bool told, Bug bug);

    /// Throws Broken.
    void live();
    [[nodiscard]] Story& story() { return story_; }
    /// Adds what this world was to the coverage.
    void sum_up();

 private:
    using Happening = std::function<void()>;
    struct Kind {
        const char* name;
        void (World::*happen)();
    };

    Machine& add_machine(engine::Setup setup);
    void plan_events();
    [[nodiscard]] std::optional<Instant> next_event() const;
    void step(Instant at);
    void check();
    void heal();
    void after(Millis shortest, Millis longest, Happening happening);
    [[nodiscard]] Machine& any_machine();

    static const std::vector<Kind>& kinds();

    // what befalls machines
    void kill();
    void cut_power();
    void boot_in_1970();
    void boot_at_old_time();
    void jump_clock();
    void stop_ntp();
    void suspend();
    void fill_disk();
    void wear_disk();
    void lose_reads();
    void corrupt_state();
    void remove_file();
    void alter_file();
    void loosen_file();
    // what people do
    void ask_rotation();
    void report_leak();
    void ask_rollback();
    void ask_switch();
    void acknowledge();
    void ask_pause();
    void break_hooks();
    void retry();
    void edit_policy();
    void edit_identity();
    void stop_program();
    void decommission();
    void leave(Machine& machine);
    void take_over();
    void re_image();
    void clone();
    void copy_within_create();
    void copy(Machine& first, bool same);
    void make_backup();
    void restore_backup();
    void disable_key();
    void delete_key();
    void enable_key();
    void fill_quota();
    void free_quota();
    // what befalls the service
    void change_weather();
    void end_sessions();
    void tell_wrong_date();

    Timeline timeline_;
    Dice dice_;
    Story story_;
    Cloud cloud_;
    Scene scene_;
    Bug bug_;
    Instant start_;
    Instant end_;
    std::vector<std::unique_ptr<Machine>> machines_;
    std::multimap<Instant, Happening> events_;
    bool copy_within_create_ = false;  ///< a disk is copied as soon as a create is open on it
};

}  // namespace devkey::sim
