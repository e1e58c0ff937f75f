#include "sim/planted.hpp"

#include <algorithm>

#include "core/key_name.hpp"

namespace devkey::sim {
namespace {

using core::ErrorKind;
using core::Result;
using core::State;

/// Hands everything on.
class Through : public ports::KeyService {
 public:
    explicit Through(ports::KeyService& real) : real_(real) {}
    const core::Capabilities& capabilities() const override { return real_.capabilities(); }
    Result<std::string> log_in() override { return real_.log_in(); }
    Result<std::vector<core::ListedKey>> list() override { return real_.list(); }
    Result<core::ListedKey> get(const std::string& id) override { return real_.get(id); }
    Result<ports::CreatedKey> create(const std::string& name) override { return real_.create(name); }
    Result<void> enable(const std::string& id) override { return real_.enable(id); }
    Result<void> disable(const std::string& id) override { return real_.disable(id); }
    Result<void> remove(const std::string& id) override { return real_.remove(id); }
    Result<std::string> prove(const core::Secret& key) override { return real_.prove(key); }
    void set_floor(core::Instant floor) override { real_.set_floor(floor); }
    std::optional<core::ServerDate> server_date() const override { return real_.server_date(); }
    void rest() noexcept override { real_.rest(); }

 protected:
    ports::KeyService& real_;
};

class PublishesBeforeSave : public Through {
 public:
    PublishesBeforeSave(ports::KeyService& real, ports::CredentialSink& sink) : Through(real), sink_(sink) {}
    Result<ports::CreatedKey> create(const std::string& name) override {
        auto created = real_.create(name);
        if (!created || !real_.prove(created->secret)) return created;
        const core::Key key{.id = created->id, .name = name, .secret = created->secret};
        static_cast<void>(sink_.publish({.identity = {}, .key = key}).has_value());
        return created;
    }

 private:
    ports::CredentialSink& sink_;
};

class RepeatsUnderNewName : public Through {
 public:
    using Through::Through;
    Result<ports::CreatedKey> create(const std::string& name) override {
        auto created = real_.create(name);
        if (created || created.error().kind != ErrorKind::OutcomeUnknown) return created;
        auto other = core::parse_key_name(name);
        other->nonce.front() = other->nonce.front() == 'a' ? 'b' : 'a';
        return real_.create(core::format(*other));
    }
};

class SweepsByPrefix : public Through {
 public:
    using Through::Through;
    Result<void> remove(const std::string& id) override {
        const auto first = real_.get(id);
        auto removed = real_.remove(id);
        if (!first || !removed) return removed;
        const auto listed = real_.list();
        if (!listed) return removed;
        const auto prefix = first->name.substr(0, std::string_view("devkey-dev-").size());
        for (const auto& key : *listed)
            if (key.name.starts_with(prefix) && !key.enabled)
                static_cast<void>(real_.remove(key.id).has_value());
        return removed;
    }
};

/// Its memory of when a key was superseded is the time at which the successor was made.
class CountsFromCreate : public ports::StateStore {
 public:
    explicit CountsFromCreate(ports::StateStore& real) : real_(real) {}
    Result<std::optional<State>> load() override {
        auto state = real_.load();
        if (state && *state && (*state)->current && !(*state)->superseded.empty()) {
            auto& old = (*state)->superseded.back();
            if (old.superseded_at) old.superseded_at = (*state)->current->key.created_at;
        }
        return state;
    }
    Result<void> save(const State& state) override { return real_.save(state); }

 private:
    ports::StateStore& real_;
};

class CountsTheBoot : public ports::Heartbeat {
 public:
    CountsTheBoot(ports::Heartbeat& real, ports::Clock& clock) : real_(real), clock_(clock) {}
    Result<std::optional<core::Instant>> last_beat() override {
        const core::Instant booted = clock_.now() - clock_.boot_now().time_since_epoch();
        auto beat = real_.last_beat();
        return beat ? std::max(beat->value_or(booted), booted) : beat;
    }

 private:
    ports::Heartbeat& real_;
    ports::Clock& clock_;
};

/// Brings no file to disk, only its name.
class RenamesWithoutSync : public storage::FileCalls {
 public:
    explicit RenamesWithoutSync(storage::FileCalls& real) : real_(real) {}
    int create(int directory, const char* name) override { return file_ = real_.create(directory, name); }
    int chmod(int file, mode_t mode) override { return real_.chmod(file, mode); }
    ssize_t write(int file, const void* data, std::size_t size) override {
        return real_.write(file, data, size);
    }
    int fsync(int file) override { return file == file_ ? 0 : real_.fsync(file); }
    int rename(int directory, const char* from, const char* to) override {
        file_ = -1;
        return real_.rename(directory, from, to);
    }
    int unlink(int directory, const char* name) override {
        file_ = -1;
        return real_.unlink(directory, name);
    }

 private:
    storage::FileCalls& real_;
    int file_ = -1;
};

}  // namespace

Planted::Planted(Bug bug, const engine::World& real) : real_(real) {
    switch (bug) {
        case Bug::None:
        case Bug::RenameWithoutSync:  // not here: see plant
            break;
        case Bug::PublishBeforeSave:
            service_ = std::make_unique<PublishesBeforeSave>(real.service, real.sink);
            break;
        case Bug::RepeatUnderNewName:
            service_ = std::make_unique<RepeatsUnderNewName>(real.service);
            break;
        case Bug::SweepByPrefix:
            service_ = std::make_unique<SweepsByPrefix>(real.service);
            break;
        case Bug::GraceFromCreate:
            store_ = std::make_unique<CountsFromCreate>(real.store);
            break;
        case Bug::BootIsABeat:
            heartbeat_ = std::make_unique<CountsTheBoot>(real.heartbeat, real.clock);
            break;
    }
}

std::unique_ptr<storage::FileCalls> plant(Bug bug, storage::FileCalls& real) {
    if (bug != Bug::RenameWithoutSync) return nullptr;
    return std::make_unique<RenamesWithoutSync>(real);
}

engine::World Planted::world() const {
    return {service_ ? *service_ : real_.service,
            store_ ? *store_ : real_.store,
            real_.sink,
            real_.clock,
            real_.entropy,
            real_.reporter,
            heartbeat_ ? *heartbeat_ : real_.heartbeat,
            real_.hooks};
}

}  // namespace devkey::sim
