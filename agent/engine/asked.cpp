// The actions that a person asks for, beside a new key and leaving. Read them with a crash in mind, too.
#include <algorithm>
#include <utility>

#include "engine/reconciler.hpp"
#include "engine/steps.hpp"

namespace devkey::engine {

using namespace core;

Reconciler::Done Reconciler::take_note() {
    State next = known_state();
    if (latest_.reason == Reason::PauseAsked) next.pause = Pause{seen_.asked.until};
    if (latest_.reason == Reason::ResumeAsked) next.pause.reset();
    if (latest_.reason == Reason::KeyAcknowledged) next.current->acknowledged_at = time().now;
    if (auto saved = save(std::move(next)); !saved) return saved;
    ports::Event event{.severity = ports::Severity::Notice,
                       .name = name_of(latest_.reason),
                       .message = std::string(sentence_of(latest_.reason))};
    if (latest_.reason == Reason::KeyAcknowledged) name_key(event, seen_.state->current->key);
    if (latest_.reason == Reason::PauseAsked && seen_.asked.until)
        event.fields.emplace_back("until", format_instant(writable(*seen_.asked.until)));
    world_.reporter.report(event);
    return {};
}

Reconciler::Done Reconciler::roll_back() {
    // Written down first: from now on it is a key in use, and no rule lets it go.
    if (!seen_.state->pending) {
        State next = *seen_.state;
        if (auto taken = take_back(next); !taken) return taken;
        if (auto saved = save(std::move(next)); !saved) return saved;
        seen_.proof.reset();
    }
    if (auto in = log_in_as_owner(); !in) return in;
    const Key key = seen_.state->pending->key;
    const auto enabled = world_.service.enable(key.id);
    const bool gone = !enabled && enabled.error().kind == ErrorKind::NotFound;
    if (!enabled && !gone) return std::unexpected(enabled.error());
    changed_ = true;
    State next = *seen_.state;
    if (gone) {
        retire(next, key.name);
        next.pending.reset();
    } else {
        next.pending->stage = PendingKey::Stage::Received;
    }
    if (auto saved = save(std::move(next)); !saved) return saved;
    if (gone)
        tell_of("rollback-failed", "the service has that key no more", key);
    else
        tell_of("key-enabled", "the old key is enabled: it is published once it logs in", key);
    return {};
}

Reconciler::Done Reconciler::drop_returning() {
    // It may work again tomorrow, but it isn't taken back a second time.
    State next = *seen_.state;
    const Key key = next.pending->key;
    next.superseded.push_back(old_key(key));
    next.superseded.back().secret = {};
    next.superseded.back().superseded_at = next.current ? next.current->published_at : std::nullopt;
    next.pending.reset();
    if (auto saved = save(std::move(next)); !saved) return saved;
    seen_.proof.reset();
    tell_of("rollback-failed", "the old key doesn't log in: the current one stays in use", key);
    return {};
}

}  // namespace devkey::engine
