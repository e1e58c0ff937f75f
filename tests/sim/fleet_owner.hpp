// One owner's devices in fine weather: the ports of a fleet's agents, which do no more than they must.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/reconciler.hpp"
#include "sim/machine.hpp"

namespace devkey::sim {

/// Requests by the minute since the fleet's beginning.
class Traffic {
 public:
    Traffic(const Timeline& timeline, std::vector<std::uint32_t>& minutes)
        : timeline_(timeline), start_(timeline.now), minutes_(minutes) {}
    void note_request() {
        ++minutes_[static_cast<std::size_t>((timeline_.now - start_) / std::chrono::minutes{1})];
    }

 private:
    const Timeline& timeline_;
    Instant start_;
    std::vector<std::uint32_t>& minutes_;
};

/// The keys of one owner, as the service has them.
class Account {
 public:
    struct Entry {
        core::ListedKey key;
        core::Secret secret;
    };

    explicit Account(std::size_t limit) : limit_(limit) {}

    [[nodiscard]] Entry* find(const std::string& id);
    [[nodiscard]] bool accepts(const core::Secret& secret) const;
    core::Result<ports::CreatedKey> create(const std::string& name);
    void remove(const std::string& id);
    [[nodiscard]] std::vector<core::ListedKey> list() const;
    /// How many keys were ever made, and how many there were at most at once.
    [[nodiscard]] std::size_t made() const { return made_; }
    [[nodiscard]] std::size_t most() const { return most_; }

 private:
    std::size_t limit_;  // 0: none
    std::vector<Entry> entries_;
    std::size_t made_ = 0;
    std::size_t most_ = 0;
};

/// The key service as one device sees it. Each request is answered at once. It sends what
/// services/app_services sends: before the first call `location`, before the owner's first a log-in; `rest`
/// logs out.
class FineConnection : public ports::KeyService {
 public:
    FineConnection(Account& account, const core::Capabilities& can, const ports::Clock& clock,
                   Traffic& traffic)
        : account_(account), can_(can), clock_(clock), traffic_(traffic) {}

    const core::Capabilities& capabilities() const override { return can_; }
    core::Result<std::string> log_in() override;
    core::Result<std::vector<core::ListedKey>> list() override;
    core::Result<core::ListedKey> get(const std::string& id) override;
    core::Result<ports::CreatedKey> create(const std::string& name) override;
    core::Result<void> enable(const std::string& id) override { return set_enabled(id, true); }
    core::Result<void> disable(const std::string& id) override { return set_enabled(id, false); }
    core::Result<void> remove(const std::string& id) override;
    core::Result<std::string> prove(const core::Secret& key) override;
    void set_floor(core::Instant) override {}
    std::optional<core::ServerDate> server_date() const override { return date_; }
    void rest() noexcept override;

    /// What a process knew, and its successor doesn't.
    void forget();

 private:
    void send();
    void send_as_owner();
    void find_place();
    core::Result<void> set_enabled(const std::string& id, bool enabled);

    Account& account_;
    const core::Capabilities& can_;
    const ports::Clock& clock_;
    Traffic& traffic_;
    std::optional<core::ServerDate> date_;
    bool placed_ = false;
    bool session_ = false;
};

/// A disk on which nothing goes wrong.
class FineStore : public ports::StateStore {
 public:
    core::Result<std::optional<core::State>> load() override { return state_; }
    core::Result<void> save(const core::State& state) override {
        state_ = state;
        return {};
    }

 private:
    std::optional<core::State> state_;
};

/// A program that runs all the time, and touches its file with every breath.
class FineHooks : public ports::Hooks {
 public:
    core::Result<void> run(const core::Hook& /*hook*/, const ports::HookFacts& /*facts*/) override {
        return {};
    }
};

class FineProgram : public ports::Heartbeat {
 public:
    explicit FineProgram(const ports::Clock& clock) : clock_(clock) {}
    core::Result<std::optional<core::Instant>> last_beat() override { return clock_.now(); }

 private:
    const ports::Clock& clock_;
};

class FineSink : public ports::CredentialSink {
 public:
    core::Result<core::CredentialSight> look(const core::Credential& credential) override {
        if (!content_) return core::CredentialSight::Missing;
        return credential.key.secret == *content_ ? core::CredentialSight::Matches
                                                  : core::CredentialSight::Altered;
    }
    core::Result<void> publish(const core::Credential& credential) override {
        content_ = credential.key.secret;
        return {};
    }
    core::Result<void> remove() override {
        content_.reset();
        return {};
    }

 private:
    std::optional<core::Secret> content_;
};

}  // namespace devkey::sim
