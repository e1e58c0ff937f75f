// One machine's disk: the state and the credential file, through the ports that the agent writes them by.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "ports/credential_sink.hpp"
#include "ports/state_store.hpp"
#include "sim/scene.hpp"

namespace devkey::sim {

/// How the disk is.
struct DiskMood {
    bool full = false;        ///< every write fails
    unsigned flaky = 0;       ///< writes that fail, in a thousand
    bool unreadable = false;  ///< nothing can be read
    bool corrupt = false;     ///< the state file holds rubbish, until a person restores it
};

/// What is in the credential file.
struct CredentialFile {
    std::optional<core::Key> content;
    bool altered = false;
    bool loosened = false;
};

/// state.json. What it answers to have saved is there after a crash; a save that a crash cut short left the
/// old state or the new one, never a mixture: what temporaries it may leave is storage's affair.
class Store : public ports::StateStore {
 public:
    Store(Scene& scene, Effects& effects, DiskMood& mood) : scene_(scene), effects_(effects), mood_(mood) {}
    core::Result<std::optional<core::State>> load() override;
    core::Result<void> save(const core::State& next) override;

    std::optional<core::State> state;  ///< the truth on disk

 private:
    Scene& scene_;
    Effects& effects_;
    DiskMood& mood_;
};

class Sink : public ports::CredentialSink {
 public:
    Sink(Scene& scene, Effects& effects, DiskMood& mood) : scene_(scene), effects_(effects), mood_(mood) {}
    core::Result<core::CredentialSight> look(const core::Credential& credential) override;
    core::Result<void> publish(const core::Credential& credential) override;
    core::Result<void> remove() override;

    CredentialFile file;
    std::string published;                       ///< the id of the key that was published last; empty: none
    std::map<std::string, Instant> replaced_at;  ///< when another took the place of the key of that id

 private:
    Scene& scene_;
    Effects& effects_;
    DiskMood& mood_;
};

}  // namespace devkey::sim
