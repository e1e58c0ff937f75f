#include "storage/state_text.hpp"

#include <fmt/format.h>

#include <array>
#include <exception>
#include <limits>
#include <set>

#include "storage/json_text.hpp"

namespace devkey::storage {
namespace {

using core::CurrentKey;
using core::Identity;
using core::Instant;
using core::Intent;
using core::Key;
using core::PendingKey;
using core::Secret;
using core::State;
using Poco::JSON::Object;

constexpr std::uint32_t newest_version = 1;

template <class Stage>
struct StageName {
    Stage stage;
    std::string_view name;
};
constexpr std::array intent_stages{
    StageName{Intent::Stage::Unsent, "unsent"},
    StageName{Intent::Stage::Sent, "sent"},
    StageName{Intent::Stage::Landed, "landed"},
    StageName{Intent::Stage::Found, "found"},
};
constexpr std::array pending_stages{
    StageName{PendingKey::Stage::Received, "received"},
    StageName{PendingKey::Stage::Verified, "verified"},
    StageName{PendingKey::Stage::Refused, "refused"},
};

template <class Names, class Stage>
std::string_view name_in(const Names& names, Stage stage) {
    for (const auto& entry : names)
        if (entry.stage == stage) return entry.name;
    return "";
}

/// The fields of one object. Each is taken once, and none may be left over.
class Fields {
 public:
    /// `place` is the path of the object in the file, with a dot after it; empty for the whole.
    Fields(Object::Ptr object, std::string place) : object_(std::move(object)), place_(std::move(place)) {}

    [[nodiscard]] bool has(const char* name) const { return object_->has(name); }

    std::string text(const char* name) { return stored_text(name); }

    std::string filled_text(const char* name) {
        if (stored_text(name).empty()) wrong(name, "is empty");
        return stored_text(name);
    }

    /// Wipes what the JSON library held.
    Secret secret(const char* name) {
        if (stored_text(name).empty()) wrong(name, "is empty");
        return Secret::take(const_cast<std::string&>(stored_text(name)));
    }

    std::uint32_t number(const char* name) {
        const auto& value = taken(name);
        if (!value.isInteger() || value.isBoolean()) wrong(name, "is not a whole number");
        const auto number = value.convert<Poco::Int64>();
        if (number < 0 || number > std::numeric_limits<std::uint32_t>::max()) wrong(name, "is out of range");
        return static_cast<std::uint32_t>(number);
    }

    Instant instant(const char* name) {
        const auto parsed = core::parse_instant(stored_text(name));
        if (!parsed) wrong(name, "is not a time");
        return *parsed;
    }

    template <class Names>
    auto stage(const char* name, const Names& names) {
        for (const auto& entry : names)
            if (entry.name == stored_text(name)) return entry.stage;
        wrong(name, "is no stage that this version knows");
    }

    Fields object(const char* name) {
        const auto& value = taken(name);
        if (value.type() != typeid(Object::Ptr)) wrong(name, "is not an object");
        return {value.extract<Object::Ptr>(), place_ + name + "."};
    }

    /// To be called when every known field was taken.
    void finish() const {
        for (const auto& [name, value] : *object_)
            if (!taken_.contains(name)) wrong(name, "is unknown");
    }

    [[noreturn]] void wrong(const std::string& name, std::string_view what) const {
        throw WrongText(fmt::format("the field '{}{}' {}", place_, name, what));
    }

 private:
    const Poco::Dynamic::Var& taken(const char* name) {
        taken_.insert(name);
        for (const auto& [key, value] : *object_)
            if (key == name) return value;
        wrong(name, "is missing");
    }
    const std::string& stored_text(const char* name) {
        const auto& value = taken(name);
        if (!value.isString()) wrong(name, "is not a text");
        return value.extract<std::string>();
    }

    Object::Ptr object_;
    std::string place_;
    std::set<std::string> taken_;
};

void write_identity(JsonWriter& out, const Identity& identity) {
    out.open("identity");
    out.field("service", identity.service);
    out.field("app", identity.app);
    out.field("owner", identity.owner);
    out.field("device", identity.device);
    out.close();
}

Identity read_identity(Fields fields) {
    Identity identity{.service = fields.text("service"),
                      .app = fields.text("app"),
                      .owner = fields.text("owner"),
                      .device = fields.text("device")};
    fields.finish();
    return identity;
}

void write_key(JsonWriter& out, const Key& key) {
    out.open("key");
    out.field("id", key.id);
    out.field("name", key.name);
    out.field("generation", key.generation);
    out.field("secret", key.secret.reveal());
    out.field("created_at", core::format_instant(key.created_at));
    out.close();
}

Key read_key(Fields fields) {
    Key key{.id = fields.filled_text("id"),
            .name = fields.filled_text("name"),
            .generation = fields.number("generation"),
            .secret = fields.secret("secret"),
            .created_at = fields.instant("created_at")};
    fields.finish();
    return key;
}

void write_intent(JsonWriter& out, const Intent& intent) {
    out.open("intent");
    out.field("name", intent.name);
    out.field("generation", intent.generation);
    out.field("stage", name_in(intent_stages, intent.stage));
    out.field("id", intent.id);
    out.field("sent_at", core::format_instant(intent.sent_at));
    out.close();
}

Intent read_intent(Fields fields) {
    Intent intent{.name = fields.filled_text("name"),
                  .generation = fields.number("generation"),
                  .stage = fields.stage("stage", intent_stages),
                  .id = fields.text("id"),
                  .sent_at = fields.instant("sent_at")};
    fields.finish();
    return intent;
}

void write_pending(JsonWriter& out, const PendingKey& pending) {
    out.open("pending");
    out.field("stage", name_in(pending_stages, pending.stage));
    write_key(out, pending.key);
    out.close();
}

PendingKey read_pending(Fields fields) {
    PendingKey pending{.key = read_key(fields.object("key")), .stage = fields.stage("stage", pending_stages)};
    fields.finish();
    return pending;
}

void write_current(JsonWriter& out, const CurrentKey& current) {
    out.open("current");
    write_key(out, current.key);
    if (current.published_at) out.field("published_at", core::format_instant(*current.published_at));
    out.close();
}

CurrentKey read_current(Fields fields) {
    CurrentKey current{.key = read_key(fields.object("key")), .published_at = std::nullopt};
    if (fields.has("published_at")) current.published_at = fields.instant("published_at");
    fields.finish();
    return current;
}

State read_state(Fields fields) {
    if (const auto version = fields.number("version"); version != newest_version)
        throw WrongText(fmt::format("it has version {}, and this program knows version {} only", version,
                                    newest_version));
    State state{.identity = read_identity(fields.object("identity")),
                .owner_id = fields.text("owner_id"),
                .installation = fields.text("installation"),
                .machine = fields.text("machine"),
                .last_generation = fields.number("last_generation"),
                .refused_keys = fields.number("refused_keys"),
                .intent = std::nullopt,
                .pending = std::nullopt,
                .current = std::nullopt};
    if (fields.has("intent")) state.intent = read_intent(fields.object("intent"));
    if (fields.has("pending")) state.pending = read_pending(fields.object("pending"));
    if (fields.has("current")) state.current = read_current(fields.object("current"));
    fields.finish();
    return state;
}

core::Result<Secret> write_state(const State& state) {
    JsonWriter out{largest_state};
    out.field("version", newest_version);
    write_identity(out, state.identity);
    out.field("owner_id", state.owner_id);
    out.field("installation", state.installation);
    out.field("machine", state.machine);
    out.field("last_generation", state.last_generation);
    out.field("refused_keys", state.refused_keys);
    if (state.intent) write_intent(out, *state.intent);
    if (state.pending) write_pending(out, *state.pending);
    if (state.current) write_current(out, *state.current);
    return out.finish();
}

}  // namespace

core::Result<Secret> format_state(const State& state) {
    auto text = write_state(state);
    if (!text) return text;
    // A state that can't be read back would lock us out at the next start: the old one is better.
    const auto again = parse_state(*text);
    if (!again) return core::fail(core::ErrorKind::InvalidInput, "not saved: " + again.error().message);
    if (*again != state)
        return core::fail(core::ErrorKind::InvalidInput, "not saved: it would not read back the same");
    return text;
}

core::Result<State> parse_state(const Secret& text) {
    try {
        return read_state(Fields{read_json(text.reveal()), ""});
    } catch (const WrongText& wrong) {
        return core::fail(core::ErrorKind::Corrupt, wrong.what());
    } catch (const std::exception&) {  // its message may quote what stands there
        return core::fail(core::ErrorKind::Corrupt, "it is not whole JSON");
    }
}

}  // namespace devkey::storage
