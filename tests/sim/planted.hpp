// Bugs planted on purpose, between the engine and its ports: the simulation has to catch each of them.
#pragma once

#include <memory>

#include "engine/reconciler.hpp"
#include "storage/atomic_file.hpp"

namespace devkey::sim {

enum class Bug {
    None,
    PublishBeforeSave,   ///< the new key is proven and published before its secret is saved
    RepeatUnderNewName,  ///< an unanswered create is repeated under another name
    SweepByPrefix,       ///< with a key that goes, all go whose names begin alike
    GraceFromCreate,     ///< the grace is counted from the new key's create
    RenameWithoutSync,   ///< a file takes its name before its content is on disk
    BootIsABeat,         ///< a boot counts as a beat of the program, which thus seems to have returned
};

/// The ports as an agent with that bug would use them. The ones given outlive it.
class Planted {
 public:
    Planted(Bug bug, const engine::World& real);

    [[nodiscard]] engine::World world() const;

 private:
    engine::World real_;
    std::unique_ptr<ports::KeyService> service_;
    std::unique_ptr<ports::StateStore> store_;
    std::unique_ptr<ports::Heartbeat> heartbeat_;
};

/// Likewise between storage/ and the disk. None: that bug is not there.
[[nodiscard]] std::unique_ptr<storage::FileCalls> plant(Bug bug, storage::FileCalls& real);

}  // namespace devkey::sim
