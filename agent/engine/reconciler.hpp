// One device's agent: each pass observes, plans, and applies one action.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/planner.hpp"
#include "core/pulse.hpp"
#include "core/status.hpp"
#include "ports/clock.hpp"
#include "ports/credential_sink.hpp"
#include "ports/entropy.hpp"
#include "ports/heartbeat.hpp"
#include "ports/hooks.hpp"
#include "ports/key_service.hpp"
#include "ports/reporter.hpp"
#include "ports/state_store.hpp"

namespace devkey::engine {

/// Why a pass runs; of two reasons at once, the later one here holds for both.
enum class Trigger {
    Start,           ///< the agent starts
    Due,             ///< the time that the last decision named has come, or a pass follows another at once
    Look,            ///< somebody wants to know how the keys are: the service is asked, if not just now
    CredentialFile,  ///< somebody touched the credential file
    ClockSet,        ///< somebody set the clock: certificates may be good now
    OwnerSecret,     ///< the owner's secret changed: waiting ends
    Retry,           ///< a person asked (SIGHUP, --once): waiting ends, and so does giving up
    Rotate,          ///< a person asked for a new key (SIGUSR1): likewise
};

/// What a pass came to, as an immutable value: the worker hands it to the main thread.
struct Snapshot {
    core::Decision
        decision;       ///< what was decided; when it was carried out and more is due at once, `more` is set
    bool more = false;  ///< run another pass at once
    bool changed = false;       ///< this pass changed a key or a file
    bool usable = false;        ///< a published credential is on disk, whole
    bool request_done = false;  ///< what a person had asked for is done: it may be forgotten
    core::Status status{};      ///< for people
    std::string key_name{};     ///< the current key's name and generation; empty and 0 if there is none
    std::string key_id{};
    unsigned generation = 0;
};

/// What the engine needs of the world; each outlives the reconciler.
struct World {
    ports::KeyService& service;
    ports::StateStore& store;
    ports::CredentialSink& sink;
    ports::Clock& clock;
    ports::Entropy& entropy;
    ports::Reporter& reporter;
    ports::Heartbeat& heartbeat;  ///< only looked at where the policy has one
    ports::Hooks& hooks;          ///< only run where the policy has some
};

/// What it is told once, from the settings and the machine.
struct Setup {
    core::Policy policy;
    core::Identity identity;
    std::string key_prefix;
    std::string machine;       ///< the hashed machine id; empty where the machine has none
    core::Instant built_at{};  ///< no right clock shows an earlier time
    /// What of a key's value may stand in the log and the history. None: nothing does.
    std::function<std::string(const core::Secret&)> fingerprint{};
};

/// Used by one thread. Holds no lock and no thread; many may live in one process (one per device).
class Reconciler {
 public:
    Reconciler(World world, Setup setup);

    /// Before the first pass: takes the place of `former`, which new settings ended. If they belong to the
    /// same identity, it goes on where the former was: what people and the service (Retry-After) asked of it
    /// holds on.
    void succeed(const Reconciler& former);

    /// Runs one pass. `asking`: what a person has asked for, until it is done. Never throws; what failed is
    /// in the snapshot's decision of the next pass.
    [[nodiscard]] Snapshot pass(Trigger trigger, const core::Asking& asking = {});

    /// What the latest pass decided; within a pass, what is being carried out.
    [[nodiscard]] const core::Decision& latest() const { return latest_; }

 private:
    using Done = core::Result<void>;

    // observe
    void note_start();
    /// So that nobody who may only read can make us ask all the time.
    [[nodiscard]] bool is_listed_just_now() const;
    void load_state();
    void observe();
    [[nodiscard]] std::optional<core::CredentialSight> look_at_credential_file();
    void listen_to_heartbeat();
    [[nodiscard]] bool request_is_done() const;
    [[nodiscard]] bool is_replaced() const;
    /// Of those that name a generation, beside a rotation.
    [[nodiscard]] bool is_done_with_key() const;
    [[nodiscard]] Snapshot snapshot_of(core::Decision decision) const;
    [[nodiscard]] core::Status status_of(const core::Decision& decision, bool usable) const;
    void tell(const core::Decision& decision);
    void tell_of_failure(const core::Decision& decision);
    [[nodiscard]] ports::HookFacts facts_of(std::string_view hook, const std::string& id,
                                            const std::string& name, std::uint32_t generation) const;
    void tell_of(std::string_view name, std::string message, const core::Key& key);
    /// Of one that nobody asked for.
    void tell_of_rollback(const core::CurrentKey& given_up, const core::Key& back);

    // apply
    [[nodiscard]] Done apply(const core::Decision& decision);
    [[nodiscard]] Done apply_to_keys(const core::Decision& decision);
    [[nodiscard]] Done trial_save();
    [[nodiscard]] Done repair();
    [[nodiscard]] Done publish();
    [[nodiscard]] Done verify();
    [[nodiscard]] Done make_current();  ///< of the pending key, which has logged in
    [[nodiscard]] Done drop_refused();
    [[nodiscard]] Done ask_service();
    [[nodiscard]] Done create();
    [[nodiscard]] Done find_stray();
    [[nodiscard]] Done remove_stray();
    [[nodiscard]] Done ask_time();
    [[nodiscard]] Done mend_times();
    [[nodiscard]] Done enable_key();
    [[nodiscard]] Done disable_key(const std::string& id);
    /// Writes down that a request to disable it may be on its way; answers until when an earlier one may be.
    [[nodiscard]] core::Result<std::optional<core::Instant>> note_disabling(const std::string& id);
    [[nodiscard]] Done remove_key(const std::string& id);
    [[nodiscard]] Done check_login();
    [[nodiscard]] Done check_listed();
    [[nodiscard]] Done switch_off();
    [[nodiscard]] Done decommission();
    [[nodiscard]] Done recommission();
    [[nodiscard]] Done take_note();
    [[nodiscard]] Done tell_programs();
    [[nodiscard]] Done warn_programs(const std::string& id);
    [[nodiscard]] Done roll_back();
    [[nodiscard]] Done drop_returning();

    // steps that actions share
    [[nodiscard]] Done save(core::State next);
    [[nodiscard]] Done log_in_as_owner();
    [[nodiscard]] core::Result<core::State> with_open_intent() const;
    [[nodiscard]] Done keep(ports::CreatedKey created, bool asked_before);
    [[nodiscard]] Done not_saved(const core::PendingKey& made, const core::Error& error);
    [[nodiscard]] Done not_created(const core::Error& error, core::Intent::Stage before);
    [[nodiscard]] Done stray_not_listed();
    [[nodiscard]] Done list();
    /// Whether the list shows a key of another device that uses our state: remembered also by the next
    /// process.
    [[nodiscard]] Done note_twin();
    /// One slot more is taken, or one less, since the owner's keys were listed.
    void count_slot(bool taken);
    /// How many of the owner's slots are taken.
    void note_room(std::size_t taken);
    /// Whether the last free slot is left to a device without a key: a rotation that an owner's crowd made
    /// early can wait.
    [[nodiscard]] bool may_wait_for_headroom() const;
    [[nodiscard]] Done set_standing(core::Standing standing);
    /// Whether somebody else has disabled or deleted it.
    [[nodiscard]] core::Result<core::Standing> standing_before_us(const core::Key& key);
    /// It is disabled already: from now on only a person has it enabled.
    [[nodiscard]] Done keep_off();
    /// We switched the key off so lately that a read may still show it enabled.
    [[nodiscard]] bool is_off_since_a_moment() const;
    [[nodiscard]] bool is_too_young_to_tell(const core::Key& key) const;
    [[nodiscard]] Done forget_key(const std::string& id, std::string_view what);
    [[nodiscard]] core::Result<core::Standing> standing_on_service(
        const std::vector<core::ListedKey>& listed);
    [[nodiscard]] core::Result<bool> is_refused();
    /// A key that leaked never comes back, whatever becomes of the request to end it.
    [[nodiscard]] Done forget_if_leaked(const std::string& id);
    /// That a log-in was refused says nothing about the current key any more.
    void forget_refusal();
    void note_others(core::State& state) const;
    [[nodiscard]] core::TrustedTime time() const;
    [[nodiscard]] core::Instant floor() const;
    [[nodiscard]] core::State known_state() const;
    [[nodiscard]] core::State fresh_state() const;
    [[nodiscard]] core::Credential credential() const;
    void note_success(const core::Task& task);
    void note_failure(core::Task task, const core::Error& error);
    void set_wait(core::Failure& failure, core::Millis wait) const;
    /// Writes down what fails, for people who ask why; once there is a state.
    void save_failures();
    void rest();

    World world_;
    Setup setup_;
    core::Observation seen_;  // what it knows; the state in there is what is on disk: memory never runs ahead
    std::optional<core::Pulse> pulse_;
    bool loaded_ = false;
    std::optional<core::BootInstant> began_;    // when its first pass ran
    std::optional<core::BootInstant> planned_;  // when the latest decision wanted to look again
    bool changed_ = false;
    std::optional<core::Slots> slots_;
    std::optional<core::Decision> told_;
    std::optional<core::Reason> told_failure_;  // to hooks.on_failure, since it was healthy
    core::Decision latest_;
};

}  // namespace devkey::engine
