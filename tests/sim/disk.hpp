// One machine's disk: the state and the credential file, through the ports that the agent writes them by.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "ports/credential_sink.hpp"
#include "ports/state_store.hpp"
#include "sim/files.hpp"
#include "sim/scene.hpp"

namespace devkey::sim {

/// What is in the credential file.
struct CredentialFile {
    std::optional<core::Key> content;
    bool altered = false;
    bool loosened = false;
};

/// state.json. What it answers to have saved is there after a crash and a power cut. In a world with real
/// files storage/ sees to that, and a crash may come at each of its system calls; else a save is one step,
/// and one that failed after its rename is undone by a power cut or not.
class Store : public ports::StateStore {
 public:
    Store(Scene& scene, Effects& effects, DiskMood& mood) : scene_(scene), effects_(effects), mood_(mood) {}
    core::Result<std::optional<core::State>> load() override;
    core::Result<void> save(const core::State& next) override;

    /// A person, or an image, puts it there.
    void put(const std::optional<core::State>& there);
    void lose_power();

    std::optional<core::State> state;            ///< as a reader sees it
    std::optional<OneFile<core::State>> file{};  ///< in a world with real files

 private:
    [[nodiscard]] core::Result<void> write(const core::State& next);

    Scene& scene_;
    Effects& effects_;
    DiskMood& mood_;
    std::optional<std::optional<core::State>> undone_;  // what a power cut may bring back
};

class Sink : public ports::CredentialSink {
 public:
    Sink(Scene& scene, Effects& effects, DiskMood& mood) : scene_(scene), effects_(effects), mood_(mood) {}
    core::Result<core::CredentialSight> look(const core::Credential& credential) override;
    core::Result<void> publish(const core::Credential& credential) override;
    core::Result<void> remove() override;

    /// An image without it.
    void lose();
    void copy(const Sink& other);
    void lose_power();

    CredentialFile file;
    std::string published;                        ///< the id of the key that was published last; empty: none
    std::map<std::string, Instant> replaced_at;   ///< when another took the place of the key of that id
    std::optional<OneFile<core::Key>> on_disk{};  ///< in a world with real files

 private:
    [[nodiscard]] core::Result<void> write(const std::optional<core::Key>& next);
    void show(const std::optional<core::Key>& content);

    Scene& scene_;
    Effects& effects_;
    DiskMood& mood_;
};

}  // namespace devkey::sim
