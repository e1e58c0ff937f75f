// A world in memory for the engine: it records what happens to it, misbehaves on request, and can crash the
// agent before or after any effect.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/reconciler.hpp"
#include "fakes/clock.hpp"
#include "fakes/hooks.hpp"

namespace devkey::fakes {

using core::ErrorKind;

/// Thrown through the engine where a process would have died. Nothing in the agent catches it.
struct Crash {};

/// Counts the effects. Each one passes twice: just before it happens and just after.
class Effects {
 public:
    void pass(std::string name) {
        ++passed_;
        log_.push_back(std::move(name));
        if (passed_ == crash_at_) throw Crash{};
    }
    void crash_at(std::size_t step) { crash_at_ = step, passed_ = 0; }
    [[nodiscard]] std::size_t passed() const { return passed_; }
    [[nodiscard]] const std::vector<std::string>& log() const { return log_; }

 private:
    std::size_t crash_at_ = 0;  // 0: never
    std::size_t passed_ = 0;
    std::vector<std::string> log_;
};

class Entropy : public ports::Entropy {
 public:
    [[nodiscard]] std::string tag(std::size_t length) override {
        std::string tag(length, 'a');
        auto rest = ++count_;
        for (auto at = tag.rbegin(); at != tag.rend() && rest != 0; ++at, rest /= 26)
            *at = static_cast<char>('a' + rest % 26);
        return tag;
    }

 private:
    unsigned count_ = 0;
};

class Reporter : public ports::Reporter {
 public:
    struct Told {
        ports::Severity severity{};
        std::string message{};
        std::map<std::string, std::string> fields{};  ///< by name

        /// Empty: it has none of that name.
        [[nodiscard]] std::string field(const std::string& name) const {
            const auto found = fields.find(name);
            return found == fields.end() ? "" : found->second;
        }
    };
    void report(const ports::Event& event) noexcept override {
        names_.emplace_back(event.name);
        messages_ += event.message + '\n';
        Told told{.severity = event.severity, .message = event.message};
        for (const auto& [name, value] : event.fields) told.fields.emplace(name, value);
        latest_.insert_or_assign(names_.back(), std::move(told));
    }
    [[nodiscard]] bool told(std::string_view name) const {
        return std::ranges::find(names_, name) != names_.end();
    }
    [[nodiscard]] std::ptrdiff_t times(std::string_view name) const {
        return std::ranges::count(names_, name);
    }
    /// The latest of that name, or none told.
    [[nodiscard]] Told latest(const std::string& name) const {
        const auto found = latest_.find(name);
        return found == latest_.end() ? Told{} : found->second;
    }
    /// Whether it stands in a message.
    [[nodiscard]] bool said(std::string_view text) const { return messages_.contains(text); }

 private:
    std::vector<std::string> names_;
    std::string messages_;
    std::map<std::string, Told> latest_;
};

class Store : public ports::StateStore {
 public:
    explicit Store(Effects& effects) : effects_(effects) {}
    core::Result<std::optional<core::State>> load() override {
        if (unreadable) return std::unexpected(*unreadable);
        return state;
    }
    core::Result<void> save(const core::State& next) override {
        effects_.pass("save");
        ++saves;
        if (fails_after_rename) state = next;
        if (std::exchange(fails_after_rename, false)) return core::fail(ErrorKind::Io, "fsync failed");
        if (failing_saves.contains(saves))
            return core::fail(failing_saves.at(saves), "no space left on device");
        if (always_failing) return core::fail(*always_failing, "read-only file system");
        state = next;
        effects_.pass("saved");
        return {};
    }

    std::optional<core::State> state;
    std::optional<core::Error> unreadable;
    std::map<int, ErrorKind> failing_saves;  // by number, from 1
    std::optional<ErrorKind> always_failing;
    bool fails_after_rename = false;  // the next one
    int saves = 0;

 private:
    Effects& effects_;
};

class Sink : public ports::CredentialSink {
 public:
    struct Content {
        core::Identity identity;
        core::Key key;
    };
    explicit Sink(Effects& effects) : effects_(effects) {}
    core::Result<core::CredentialSight> look(const core::Credential& credential) override {
        if (!content) return core::CredentialSight::Missing;
        if (content->key.id != credential.key.id || content->key.secret != credential.key.secret)
            return core::CredentialSight::Altered;
        return loosened ? core::CredentialSight::Loosened : core::CredentialSight::Matches;
    }
    core::Result<void> publish(const core::Credential& credential) override {
        effects_.pass("publish");
        if (failing) return core::fail(*failing, "permission denied");
        content = Content{credential.identity, credential.key};
        loosened = false;
        ++writes;
        effects_.pass("published");
        return {};
    }

    core::Result<void> remove() override {
        effects_.pass("remove-file");
        if (failing) return core::fail(*failing, "permission denied");
        content.reset();
        effects_.pass("file-removed");
        return {};
    }

    std::optional<Content> content;
    bool loosened = false;
    std::optional<ErrorKind> failing;
    int writes = 0;

 private:
    Effects& effects_;
};

/// One owner's keys. Calls of one kind may be told to go wrong, in order: see `next`.
class Service : public ports::KeyService {
 public:
    enum class Fault {
        None,
        LoseRequest,  ///< nothing happens, no answer
        LoseAnswer,   ///< it happens, no answer
        LandLate,     ///< no answer, and it happens only `late_calls` calls later
        Refuse,       ///< answers `refusal`
    };
    struct Stored {
        std::string name;
        std::string secret;
        bool enabled = true;
        int hidden_lists = 0;  ///< lists that don't show it yet
    };

    Service(Effects& effects, Clock& clock) : effects_(effects), clock_(clock) {
        can.read_lag = std::chrono::seconds{15};
    }

    void next(const std::string& call, std::vector<Fault> faults) { faults_[call] = std::move(faults); }

    const core::Capabilities& capabilities() const override { return can; }
    core::Result<std::string> log_in() override {
        if (session_) return owner;
        if (auto fault = begin("log_in")) return *fault;
        session_ = true;
        return owner;
    }
    core::Result<std::vector<core::ListedKey>> list() override {
        if (auto fault = begin("list")) return std::unexpected(fault->error());
        std::vector<core::ListedKey> listed;
        for (auto& [id, key] : keys)
            if (key.hidden_lists-- <= 0)
                listed.push_back({.id = id, .name = key.name, .enabled = key.enabled});
        return listed;
    }
    core::Result<core::ListedKey> get(const std::string& id) override {
        if (auto fault = begin("get")) return std::unexpected(fault->error());
        if (!keys.contains(id)) return core::fail(ErrorKind::NotFound, "no such key");
        return core::ListedKey{.id = id, .name = keys[id].name, .enabled = keys[id].enabled};
    }
    core::Result<ports::CreatedKey> create(const std::string& name) override {
        effects_.pass("create");
        const Fault fault = take("create");
        if (fault == Fault::LoseRequest) return core::fail(ErrorKind::OutcomeUnknown, "no answer");
        if (fault == Fault::LandLate) {
            late_.emplace_back(calls + late_calls, name);
            return core::fail(ErrorKind::OutcomeUnknown, "no answer");
        }
        if (fault == Fault::Refuse) return std::unexpected(refusal);
        auto created = land(name);
        if (on_create) on_create();
        effects_.pass("created");
        if (fault == Fault::LoseAnswer) return core::fail(ErrorKind::OutcomeUnknown, "no answer");
        return created;
    }
    core::Result<void> enable(const std::string& id) override { return set_enabled("enable", id, true); }
    core::Result<void> disable(const std::string& id) override { return set_enabled("disable", id, false); }
    core::Result<void> remove(const std::string& id) override {
        effects_.pass("remove");
        const Fault fault = take("remove");
        if (fault == Fault::LoseRequest) return core::fail(ErrorKind::OutcomeUnknown, "no answer");
        if (fault == Fault::Refuse) return std::unexpected(refusal);
        keys.erase(id);
        removed.push_back(id);
        effects_.pass("removed");
        if (fault == Fault::LoseAnswer) return core::fail(ErrorKind::OutcomeUnknown, "no answer");
        return {};
    }
    core::Result<std::string> prove(const core::Secret& key) override {
        if (auto fault = begin("prove")) return *fault;
        for (const auto& [id, stored] : keys)
            if (stored.enabled && stored.secret == key.reveal()) return owner;
        return core::fail(ErrorKind::Unauthenticated, "not accepted");
    }
    void set_floor(core::Instant told) override { floor = told; }
    std::optional<core::ServerDate> server_date() const override { return date_; }
    void rest() noexcept override { session_ = false; }
    /// What the agent's process knew of the service.
    void forget() { session_ = false, date_.reset(); }

    [[nodiscard]] std::size_t requests() const { return static_cast<std::size_t>(calls); }

    std::map<std::string, Stored> keys;
    std::function<void()> on_create;  // when one has happened
    std::vector<std::string> removed;
    std::vector<std::string> created_names;
    std::vector<std::string> called;  // by name, in order
    bool tells_date = true;
    core::Instant floor{};
    core::Capabilities can;
    core::Error refusal{ErrorKind::Unavailable, "503"};
    std::string owner = "owner-1";
    int hidden_lists = 0;  // of a key created from now on
    int late_calls = 3;
    int calls = 0;

 private:
    Fault take(const std::string& call) {
        ++calls;
        called.push_back(call);
        std::erase_if(late_, [this](const auto& late) {
            return late.first <= calls && (void(land(late.second)), true);
        });
        auto& faults = faults_[call];
        Fault fault = Fault::None;
        if (!faults.empty()) {
            fault = faults.front();
            faults.erase(faults.begin());
        }
        const bool answered = fault == Fault::None || fault == Fault::Refuse;
        if (answered && tells_date) date_ = core::ServerDate{clock_.true_now(), clock_.boot_now()};
        return fault;
    }
    std::optional<core::Result<std::string>> begin(const std::string& call) {
        switch (take(call)) {
            case Fault::None:
                return std::nullopt;
            case Fault::Refuse:
                return std::unexpected(refusal);
            default:
                return core::fail(ErrorKind::Unavailable, "no answer");
        }
    }
    core::Result<ports::CreatedKey> land(const std::string& name) {
        for (const auto& [id, key] : keys)
            if (can.unique_names && key.name == name) return core::fail(ErrorKind::Conflict, "name exists");
        if (can.keys_per_owner != 0 && keys.size() >= can.keys_per_owner)
            return core::fail(ErrorKind::LimitReached, "too many keys");
        const std::string id = "id" + std::to_string(++ids_);
        keys[id] = {.name = name, .secret = "secret-of-" + id, .enabled = true, .hidden_lists = hidden_lists};
        created_names.push_back(name);
        return ports::CreatedKey{.id = id, .name = name, .secret = core::Secret{keys[id].secret}};
    }
    core::Result<void> set_enabled(const std::string& call, const std::string& id, bool enabled) {
        effects_.pass(call);
        const Fault fault = take(call);
        if (fault == Fault::LoseRequest) return core::fail(ErrorKind::OutcomeUnknown, "no answer");
        if (fault == Fault::Refuse) return std::unexpected(refusal);
        if (!keys.contains(id)) return core::fail(ErrorKind::NotFound, "no such key");
        keys[id].enabled = enabled;
        effects_.pass(call + "d");
        if (fault == Fault::LoseAnswer) return core::fail(ErrorKind::OutcomeUnknown, "no answer");
        return {};
    }

    Effects& effects_;
    Clock& clock_;
    std::optional<core::ServerDate> date_;
    bool session_ = false;
    int ids_ = 0;
    std::map<std::string, std::vector<Fault>> faults_;
    std::vector<std::pair<int, std::string>> late_;
};

/// A policy by which nothing is due by time.
inline core::Policy no_schedule() {
    core::Policy policy;
    policy.rotate.after.reset();
    policy.watchdog.key_login.reset();
    policy.watchdog.key_listed.reset();
    return policy;
}

/// All of it, and the agent in it. `restart` is what a crash or a reboot leaves: disk and service stay.
struct World {
    Effects effects;
    Clock clock;
    Entropy entropy;
    Reporter reporter;
    Store store{effects};
    Sink sink{effects};
    Service service{effects, clock};
    Program program{clock};
    Hooks hooks;
    core::Asking asking;  ///< until it is done
    core::Request& request = asking.request;
    engine::Setup setup{.policy = no_schedule(),
                        .identity = {"https://keys.example", "app", "local-userpass:alice", "dev-1"},
                        .key_prefix = "devkey",
                        .machine = "machine-1",
                        .built_at = core::Instant{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}}};
    std::optional<engine::Reconciler> agent;

    void restart() {
        service.forget();
        agent.emplace(engine::World{service, store, sink, clock, entropy, reporter, program, hooks}, setup);
    }

    /// Passes until nothing is due at once.
    engine::Snapshot settle(engine::Trigger trigger = engine::Trigger::Due) {
        if (!agent) restart();
        for (int passes = 0; passes < 200; ++passes) {
            auto snapshot = agent->pass(trigger, asking);
            if (snapshot.request_done) asking = {};
            if (!snapshot.more) return snapshot;
            trigger = engine::Trigger::Due;
        }
        throw std::runtime_error("the agent doesn't settle");
    }

    /// Lets `span` pass, with a pass whenever the agent wants one.
    engine::Snapshot live(core::Millis span) {
        const auto end = clock.boot_now() + span;
        auto snapshot = settle();
        while (snapshot.decision.again && *snapshot.decision.again <= end) {
            clock.advance(std::max(*snapshot.decision.again - clock.boot_now(), core::Millis{1}));
            snapshot = settle();
        }
        clock.advance(std::max(end - clock.boot_now(), core::Millis{0}));
        return snapshot;
    }

    /// Settles, and lets the time pass that the agent waits for, until it needs no more (or for `rounds`
    /// waits).
    engine::Snapshot run(int rounds = 60) {
        auto snapshot = settle(engine::Trigger::Start);
        for (; rounds > 0 && snapshot.decision.again; --rounds) {
            clock.advance(*snapshot.decision.again - clock.boot_now());
            snapshot = settle();
        }
        return snapshot;
    }
};

}  // namespace devkey::fakes
