// Bugs planted on purpose, between the engine and its ports: the simulation has to catch each of them.
#pragma once

#include <memory>
#include <optional>

#include "ports/credential_sink.hpp"
#include "ports/key_service.hpp"
#include "ports/state_store.hpp"

namespace devkey::sim {

enum class Bug {
    None,
    PublishBeforeSave,   ///< the new key is proven and published before its secret is saved
    RepeatUnderNewName,  ///< an unanswered create is repeated under another name
    SweepByPrefix,       ///< with a key that goes, all go whose names begin alike
    GraceFromCreate,     ///< the grace is counted from the new key's create
};

/// The ports as an agent with that bug would use them. The ones given outlive it.
class Planted {
 public:
    Planted(Bug bug, ports::KeyService& service, ports::StateStore& store, ports::CredentialSink& sink);

    [[nodiscard]] ports::KeyService& service() { return service_ ? *service_ : real_service_; }
    [[nodiscard]] ports::StateStore& store() { return store_ ? *store_ : real_store_; }

 private:
    ports::KeyService& real_service_;
    ports::StateStore& real_store_;
    std::unique_ptr<ports::KeyService> service_;
    std::unique_ptr<ports::StateStore> store_;
};

}  // namespace devkey::sim
