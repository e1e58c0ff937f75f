// One device's agent: each pass observes, plans, and applies one action.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/planner.hpp"
#include "ports/clock.hpp"
#include "ports/credential_sink.hpp"
#include "ports/entropy.hpp"
#include "ports/key_service.hpp"
#include "ports/reporter.hpp"
#include "ports/state_store.hpp"

namespace devkey::engine {

/// Why a pass runs.
enum class Trigger {
    Start,           ///< the agent starts
    Due,             ///< the time that the last decision named has come, or a pass follows another at once
    CredentialFile,  ///< somebody touched the credential file
    Retry,           ///< the owner's secret changed, or a person asked (SIGHUP, --once): waiting ends
};

/// What a pass came to, as an immutable value: the worker hands it to the main thread.
struct Snapshot {
    core::Decision
        decision;       ///< what was decided; when it was carried out and more is due at once, `more` is set
    bool more = false;  ///< run another pass at once
    bool changed = false;    ///< this pass changed a key or a file
    bool usable = false;     ///< a published credential is on disk, whole
    std::string key_name{};  ///< the current key's name and generation; empty and 0 if there is none
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
};

/// What it is told once, from the settings and the machine.
struct Setup {
    core::Policy policy;
    core::Identity identity;
    std::string key_prefix;
    std::string machine;  ///< the hashed machine id; empty where the machine has none
};

/// Used by one thread. Holds no lock and no thread; many may live in one process (one per device).
class Reconciler {
 public:
    Reconciler(World world, Setup setup);

    /// Runs one pass. Never throws; what failed is in the snapshot's decision of the next pass.
    [[nodiscard]] Snapshot pass(Trigger trigger);

 private:
    struct Applied;  // what an action came to
    // (members follow)
};

}  // namespace devkey::engine
