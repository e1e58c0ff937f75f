#include "engine/rehearsal.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace devkey::engine {

using namespace core;

namespace {

class Clock final : public ports::Clock {
 public:
    explicit Clock(const Scene& scene)
        : now_(scene.now),
          utc_offset_(scene.utc_offset),
          synchronised_(scene.trust >= ClockTrust::Synchronised) {}
    Instant now() const override { return now_; }
    BootInstant boot_now() const override { return boot_; }
    bool is_synchronised() const override { return synchronised_; }
    Millis utc_offset() const override { return utc_offset_; }
    void go_to(BootInstant at) {
        const Millis by = std::max(at - boot_, Millis{1});
        now_ += by;
        boot_ += by;
    }

 private:
    Instant now_;
    BootInstant boot_{std::chrono::hours{1}};
    Millis utc_offset_;
    bool synchronised_;
};

/// Tags that can be told from real ones by people: `xxxa`, `xxxb`, …
class Entropy final : public ports::Entropy {
 public:
    std::string tag(std::size_t length) override {
        std::string tag(length, 'x');
        if (!tag.empty()) tag.back() = static_cast<char>('a' + count_++ % 26);
        return tag;
    }

 private:
    int count_ = 0;
};

class Silence final : public ports::Reporter {
 public:
    void report(const ports::Event& /*event*/) noexcept override {}
};

class Store final : public ports::StateStore {
 public:
    explicit Store(const Result<std::optional<State>>& state) : state_(state) {}
    Result<std::optional<State>> load() override { return state_; }
    Result<void> save(const State& state) override {
        state_ = state;
        return {};
    }

 private:
    Result<std::optional<State>> state_;
};

class Sink final : public ports::CredentialSink {
 public:
    explicit Sink(const State* state) {
        if (state != nullptr && state->current && state->current->published_at)
            content_ = state->current->key.id;
    }
    Result<CredentialSight> look(const Credential& credential) override {
        if (!content_) return CredentialSight::Missing;
        return *content_ == credential.key.id ? CredentialSight::Matches : CredentialSight::Altered;
    }
    Result<void> publish(const Credential& credential) override {
        content_ = credential.key.id;
        return {};
    }
    Result<void> remove() override {
        content_.reset();
        return {};
    }

 private:
    std::optional<std::string> content_;  // the id of the key in the file
};

class Program final : public ports::Heartbeat {
 public:
    explicit Program(const Clock& clock) : clock_(clock) {}
    Result<std::optional<Instant>> last_beat() override { return clock_.now(); }

 private:
    const Clock& clock_;
};

class Programs final : public ports::Hooks {
 public:
    Result<void> run(const Hook& /*hook*/, const ports::HookFacts& /*facts*/) override { return {}; }
};

/// Has the keys that the state knows, as it knows them.
class Service final : public ports::KeyService {
 public:
    Service(const Scene& scene, const State* state, const Clock& clock)
        : can_(scene.service), clock_(clock), told_(scene.trust == ClockTrust::Server) {
        if (state != nullptr) seed(*state);
        // What else takes a slot is none of ours.
        for (auto at = keys_.size(); scene.slots && at < scene.slots->taken; ++at)
            add("taken-" + std::to_string(at), "taken-" + std::to_string(at), true);
    }

    const Capabilities& capabilities() const override { return can_; }
    Result<std::string> log_in() override {
        told_ = true;
        return owner_;
    }
    Result<std::vector<ListedKey>> list() override {
        std::vector<ListedKey> listed;
        for (const auto& key : keys_) listed.push_back(key.listed);
        return listed;
    }
    Result<ListedKey> get(const std::string& id) override {
        const auto key = find(id);
        if (key == keys_.end()) return gone();
        return key->listed;
    }
    Result<ports::CreatedKey> create(const std::string& name) override {
        if (can_.keys_per_owner != 0 && keys_.size() >= can_.keys_per_owner)
            return fail(ErrorKind::LimitReached, "the owner has as many keys as the service allows");
        if (std::ranges::any_of(keys_, [&](const auto& key) { return key.listed.name == name; }))
            return fail(ErrorKind::Conflict, "the name is taken");
        const auto id = "to-be-made-" + std::to_string(++made_);
        // Not a secret: it opens nothing.
        add(id, name, true, Secret{id});
        return ports::CreatedKey{.id = id, .name = name, .secret = Secret{id}};
    }
    Result<void> enable(const std::string& id) override { return set_enabled(id, true); }
    Result<void> disable(const std::string& id) override { return set_enabled(id, false); }
    Result<void> remove(const std::string& id) override {
        std::erase_if(keys_, [&](const auto& key) { return key.listed.id == id; });
        return {};
    }
    Result<std::string> prove(const Secret& secret) override {
        told_ = true;
        for (const auto& key : keys_)
            if (key.listed.enabled && !key.secret.empty() && key.secret == secret) return owner_;
        return fail(ErrorKind::Unauthenticated, "the key is not accepted");
    }
    void set_floor(Instant /*floor*/) override {}
    std::optional<ServerDate> server_date() const override {
        if (!told_) return std::nullopt;
        return ServerDate{.date = clock_.now(), .came = clock_.boot_now()};
    }
    void rest() noexcept override {}

 private:
    struct Held {
        ListedKey listed;
        Secret secret;
    };

    void add(std::string id, std::string name, bool enabled, Secret secret = {}) {
        keys_.push_back({{std::move(id), std::move(name), enabled}, std::move(secret)});
    }
    void seed(const State& state) {
        if (!state.owner_id.empty()) owner_ = state.owner_id;
        if (const auto& current = state.current; current && current->standing != Standing::DeletedOutside)
            add(current->key.id, current->key.name, current->standing == Standing::Enabled,
                current->key.secret);
        if (const auto& pending = state.pending)
            add(pending->key.id, pending->key.name, true, pending->key.secret);
        for (const auto& key : state.superseded) add(key.id, key.name, !key.disabled_at, key.secret);
        for (const auto& key : state.others) add(key.id, key.name, !key.disabled);
        // Of a create that was never answered it is taken for granted that it never happened.
        const auto& intent = state.intent;
        const bool landed = intent && intent->stage >= Intent::Stage::Landed;
        if (landed) add(intent->id.empty() ? "stray" : intent->id, intent->name, true);
    }
    std::vector<Held>::iterator find(const std::string& id) {
        return std::ranges::find(keys_, id, [](const auto& key) { return key.listed.id; });
    }
    static std::unexpected<Error> gone() { return fail(ErrorKind::NotFound, "there is no key of this id"); }
    Result<void> set_enabled(const std::string& id, bool enabled) {
        const auto key = find(id);
        if (key == keys_.end()) return gone();
        key->listed.enabled = enabled;
        return {};
    }

    Capabilities can_;
    const Clock& clock_;
    std::string owner_ = "the-owner";
    std::vector<Held> keys_;
    bool told_;  // the time: with every answer, and the first is always one to a log-in
    int made_ = 0;
};

/// The steps, with what comes again under one key told once.
class Steps {
 public:
    void note(const Snapshot& snapshot, Instant at) {
        const auto& decision = snapshot.decision;
        if (decision.action == Action::Idle && decision.reason == Reason::Healthy) return;
        if (std::exchange(generation_, snapshot.generation) != snapshot.generation) seen_.clear();
        const auto [known, is_new] =
            seen_.try_emplace({decision.action, decision.reason, decision.detail}, steps_.size());
        if (!is_new) {
            ++steps_[known->second].times;
            steps_[known->second].last_at = at;
            return;
        }
        steps_.push_back({.at = at,
                          .action = decision.action,
                          .reason = decision.reason,
                          .detail = decision.detail,
                          .rule = decision.rule,
                          .last_at = at});
    }
    [[nodiscard]] std::size_t count() const { return steps_.size(); }
    [[nodiscard]] std::vector<ForecastStep> take() { return std::move(steps_); }

 private:
    std::vector<ForecastStep> steps_;
    std::map<std::tuple<Action, Reason, std::string>, std::size_t> seen_;
    unsigned generation_ = 0;
};

/// A scene, and the agent in it.
class Stage {
 public:
    explicit Stage(const Scene& scene)
        : clock_(scene),
          service_(scene, state_in(scene), clock_),
          store_(scene.state),
          sink_(state_in(scene)),
          agent_({.service = service_,
                  .store = store_,
                  .sink = sink_,
                  .clock = clock_,
                  .entropy = entropy_,
                  .reporter = reporter_,
                  .heartbeat = program_,
                  .hooks = hooks_},
                 scene.setup),
          asking_(scene.asking) {}

    [[nodiscard]] Forecast run(Millis span, const RehearsalLimits& limits) {
        Forecast forecast{.from = clock_.now(), .until = clock_.now() + span};
        const auto end = clock_.boot_now() + span;
        auto trigger = Trigger::Start;
        const auto goes_on = [&](std::size_t passes) {
            return passes < limits.most_passes && steps_.count() < limits.most_steps &&
                   !limits.stop.stop_requested();
        };
        for (std::size_t passes = 0; goes_on(passes); ++passes) {
            const auto snapshot = agent_.pass(std::exchange(trigger, Trigger::Due), asking_);
            steps_.note(snapshot, clock_.now());
            if (snapshot.request_done) asking_ = {};
            if (snapshot.more) continue;
            note_rest(forecast, snapshot);
            if (!snapshot.decision.again || *snapshot.decision.again > end) return finish(forecast);
            clock_.go_to(*snapshot.decision.again);
        }
        forecast.whole = false;
        forecast.until = clock_.now();
        return finish(forecast);
    }

 private:
    static const State* state_in(const Scene& scene) {
        return scene.state && *scene.state ? &**scene.state : nullptr;
    }
    void note_rest(Forecast& forecast, const Snapshot& snapshot) const {
        const auto& decision = snapshot.decision;
        forecast.then = decision.reason;
        forecast.detail = decision.detail;
        forecast.next_at.reset();
        if (decision.again) forecast.next_at = clock_.now() + (*decision.again - clock_.boot_now());
    }
    Forecast finish(Forecast& forecast) {
        forecast.steps = steps_.take();
        return std::move(forecast);
    }

    Clock clock_;
    Entropy entropy_;
    Silence reporter_;
    Service service_;
    Store store_;
    Sink sink_;
    Program program_{clock_};
    Programs hooks_;
    Reconciler agent_;
    Asking asking_;
    Steps steps_;
};

}  // namespace

Forecast rehearse(const Scene& scene, Millis span, const RehearsalLimits& limits) {
    Stage stage{scene};
    return stage.run(std::clamp(span, Millis{0}, longest_rehearsal), limits);
}

}  // namespace devkey::engine
