// The state as JSON.

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>

#include <array>
#include <exception>
#include <utility>

#include "json/fields.hpp"
#include "storage/state_file.hpp"
#include "storage/wiped_text.hpp"

namespace devkey::storage {

using core::CurrentKey;
using core::ErrorKind;
using core::Intent;
using core::Key;
using core::PendingKey;
using core::State;
using Poco::JSON::Object;

namespace {

constexpr std::uint32_t version = 1;

constexpr std::array intent_stages{
    std::pair{Intent::Stage::Unsent, "unsent"}, std::pair{Intent::Stage::Sent, "sent"},
    std::pair{Intent::Stage::Landed, "landed"}, std::pair{Intent::Stage::Found, "found"}};
constexpr std::array pending_stages{std::pair{PendingKey::Stage::Received, "received"},
                                    std::pair{PendingKey::Stage::Refused, "refused"},
                                    std::pair{PendingKey::Stage::Returning, "returning"}};

constexpr std::array standings{std::pair{core::Standing::Enabled, "enabled"},
                               std::pair{core::Standing::DisabledOutside, "disabled-outside"},
                               std::pair{core::Standing::DeletedOutside, "deleted-outside"},
                               std::pair{core::Standing::SwitchingOff, "switching-off"},
                               std::pair{core::Standing::SwitchedOff, "switched-off"}};

template <class Stages, class Stage>
std::string name_of(const Stages& stages, Stage wanted) {
    for (const auto& [stage, name] : stages)
        if (stage == wanted) return name;
    return {};
}

template <class Stages>
auto read_word(json::Fields& fields, const std::string& field, const Stages& stages) {
    const auto text = fields.text(field);
    for (const auto& [stage, name] : stages)
        if (text == name) return stage;
    fields.refuse(field, "has an unknown value");
}

void set_time(Object& json, const std::string& field, const std::optional<core::Instant>& at) {
    if (at) json.set(field, core::format_instant(*at));
}

std::optional<core::Instant> read_time(json::Fields& fields, const std::string& field) {
    return fields.has(field) ? std::optional(fields.instant(field)) : std::nullopt;
}

bool read_flag(json::Fields& fields, const std::string& field) {
    return fields.has(field) && fields.flag(field);
}

Object::Ptr make_object() {
    return new Object(Poco::JSON_PRESERVE_KEY_ORDER);
}

Object::Ptr to_json(const Key& key) {
    auto json = make_object();
    json->set("id", key.id);
    json->set("name", key.name);
    json->set("generation", key.generation);
    json::set_secret(*json, "secret", key.secret);
    json->set("created_at", core::format_instant(key.created_at));
    set_time(*json, "echo_until", key.echo_until);
    return json;
}

Key read_key(json::Fields fields) {
    Key key;
    key.id = fields.text("id");
    key.name = fields.text("name");
    key.generation = fields.number("generation");
    auto secret = fields.text("secret");
    key.secret = core::Secret::take(secret);
    key.created_at = fields.instant("created_at");
    key.echo_until = read_time(fields, "echo_until");
    fields.done();
    return key;
}

Object::Ptr to_json(const Intent& intent) {
    auto json = make_object();
    json->set("name", intent.name);
    json->set("generation", intent.generation);
    json->set("stage", name_of(intent_stages, intent.stage));
    json->set("id", intent.id);
    json->set("sent_at", core::format_instant(intent.sent_at));
    return json;
}

Intent read_intent(json::Fields fields) {
    Intent intent;
    intent.name = fields.text("name");
    intent.generation = fields.number("generation");
    intent.stage = read_word(fields, "stage", intent_stages);
    intent.id = fields.text_or_none("id");
    intent.sent_at = fields.instant("sent_at");
    if (intent.stage == Intent::Stage::Found && intent.id.empty())
        fields.refuse("id", "is empty, though found");
    fields.done();
    return intent;
}

Object::Ptr to_json(const core::Identity& identity) {
    auto json = make_object();
    json->set("service", identity.service);
    json->set("app", identity.app);
    json->set("owner", identity.owner);
    json->set("device", identity.device);
    return json;
}

core::Identity read_identity(json::Fields fields) {
    core::Identity identity{.service = fields.text("service"),
                            .app = fields.text("app"),
                            .owner = fields.text("owner"),
                            .device = fields.text("device")};
    fields.done();
    return identity;
}

Object::Ptr to_json(const PendingKey& pending) {
    auto json = make_object();
    json->set("stage", name_of(pending_stages, pending.stage));
    json->set("key", to_json(pending.key));
    if (pending.returns) json->set("returns", true);
    return json;
}

PendingKey read_pending(json::Fields fields) {
    PendingKey pending;
    pending.stage = read_word(fields, "stage", pending_stages);
    pending.key = read_key(fields.object("key"));
    pending.returns = read_flag(fields, "returns");
    fields.done();
    return pending;
}

void set_told(Object& json, const core::Told& told) {
    if (told == core::Told{}) return;
    auto inner = make_object();
    inner->set("done", told.done);
    inner->set("failures", told.failures);
    inner->set("message", told.message);
    json.set("told", inner);
}

core::Told read_told(json::Fields& fields) {
    if (!fields.has("told")) return {};
    json::Fields inner = fields.object("told");
    core::Told told{.done = inner.flag("done"),
                    .failures = inner.number("failures"),
                    .message = inner.text_or_none("message")};
    inner.done();
    return told;
}

Object::Ptr to_json(const CurrentKey& current) {
    auto json = make_object();
    json->set("key", to_json(current.key));
    set_time(*json, "published_at", current.published_at);
    json->set("standing", name_of(standings, current.standing));
    set_time(*json, "logged_in_at", current.logged_in_at);
    set_time(*json, "listed_at", current.listed_at);
    set_time(*json, "unsure_until", current.unsure_until);
    set_time(*json, "last_beat", current.last_beat);
    if (current.off_by_person) json->set("off_by_person", true);
    set_time(*json, "acknowledged_at", current.acknowledged_at);
    set_time(*json, "returned_at", current.returned_at);
    set_told(*json, current.told);
    return json;
}

CurrentKey read_current(json::Fields fields) {
    CurrentKey current;
    current.key = read_key(fields.object("key"));
    current.published_at = read_time(fields, "published_at");
    if (fields.has("standing")) current.standing = read_word(fields, "standing", standings);
    current.logged_in_at = read_time(fields, "logged_in_at");
    current.listed_at = read_time(fields, "listed_at");
    current.unsure_until = read_time(fields, "unsure_until");
    current.last_beat = read_time(fields, "last_beat");
    current.off_by_person = read_flag(fields, "off_by_person");
    current.acknowledged_at = read_time(fields, "acknowledged_at");
    current.returned_at = read_time(fields, "returned_at");
    current.told = read_told(fields);
    fields.done();
    return current;
}

Object::Ptr to_json(const core::Pause& pause) {
    auto json = make_object();
    set_time(*json, "until", pause.until);
    return json;
}

core::Pause read_pause(json::Fields fields) {
    core::Pause pause{.until = read_time(fields, "until")};
    fields.done();
    return pause;
}

Object::Ptr to_json(const core::OldKey& key) {
    auto json = make_object();
    json->set("id", key.id);
    json->set("name", key.name);
    json->set("generation", key.generation);
    set_time(*json, "superseded_at", key.superseded_at);
    set_time(*json, "disabled_at", key.disabled_at);
    set_time(*json, "echo_until", key.echo_until);
    set_time(*json, "created_at", key.created_at);
    if (!key.secret.empty()) json::set_secret(*json, "secret", key.secret);
    set_time(*json, "unsure_until", key.unsure_until);
    set_told(*json, key.told);
    return json;
}

core::OldKey read_old_key(json::Fields fields) {
    core::OldKey key;
    key.id = fields.text("id");
    key.name = fields.text("name");
    key.generation = fields.number("generation");
    key.superseded_at = read_time(fields, "superseded_at");
    key.disabled_at = read_time(fields, "disabled_at");
    key.echo_until = read_time(fields, "echo_until");
    key.created_at = read_time(fields, "created_at").value_or(core::Instant{});
    if (fields.has("secret")) {
        auto secret = fields.text("secret");
        key.secret = core::Secret::take(secret);
    }
    key.unsure_until = read_time(fields, "unsure_until");
    key.told = read_told(fields);
    fields.done();
    return key;
}

Object::Ptr to_json(const core::OtherKey& key) {
    auto json = make_object();
    json->set("id", key.id);
    json->set("name", key.name);
    json->set("seen_at", core::format_instant(key.seen_at));
    json->set("disabled", key.disabled);
    return json;
}

core::OtherKey read_other_key(json::Fields fields) {
    core::OtherKey key;
    key.id = fields.text("id");
    key.name = fields.text("name");
    key.seen_at = fields.instant("seen_at");
    key.disabled = fields.flag("disabled");
    fields.done();
    return key;
}

Object::Ptr to_json(const core::NotedFailure& failure) {
    auto json = make_object();
    json->set("action", failure.action);
    json->set("target", failure.target);
    json->set("reason", failure.reason);
    json->set("message", failure.message);
    json->set("count", failure.count);
    json->set("retry_at", core::format_instant(failure.retry_at));
    return json;
}

core::NotedFailure read_failure(json::Fields fields) {
    core::NotedFailure failure;
    failure.action = fields.text("action");
    failure.target = fields.text_or_none("target");
    failure.reason = fields.text("reason");
    failure.message = fields.text_or_none("message");
    failure.count = fields.number("count");
    failure.retry_at = fields.instant("retry_at");
    fields.done();
    return failure;
}

template <class Values>
void set_each(Object& json, const std::string& field, const Values& values) {
    if (values.empty()) return;
    Poco::JSON::Array::Ptr array = new Poco::JSON::Array;
    for (const auto& value : values) array->add(to_json(value));
    json.set(field, array);
}

State read_state(const Object& json) {
    json::Fields fields{json, ""};
    if (const auto found = fields.number("version"); found != version)
        fields.refuse("version",
                      "is " + std::to_string(found) + "; this devkeyd knows " + std::to_string(version));
    State state;
    state.identity = read_identity(fields.object("identity"));
    state.owner_id = fields.text_or_none("owner_id");
    state.installation = fields.text("installation");
    state.machine = fields.text_or_none("machine");
    state.last_generation = fields.number("last_generation");
    state.refused_keys = fields.number("refused_keys");
    state.retired = fields.texts("retired");
    if (const auto seen = read_time(fields, "last_seen")) state.last_seen = *seen;
    if (fields.has("twin")) state.twin = fields.text("twin");
    state.decommissioned_at = read_time(fields, "decommissioned_at");
    for (auto& key : fields.objects("superseded")) state.superseded.push_back(read_old_key(std::move(key)));
    for (auto& key : fields.objects("others")) state.others.push_back(read_other_key(std::move(key)));
    for (auto& failure : fields.objects("failures"))
        state.failures.push_back(read_failure(std::move(failure)));
    if (fields.has("intent")) state.intent = read_intent(fields.object("intent"));
    if (fields.has("pending")) state.pending = read_pending(fields.object("pending"));
    if (fields.has("current")) state.current = read_current(fields.object("current"));
    if (fields.has("pause")) state.pause = read_pause(fields.object("pause"));
    fields.done();
    return state;
}

}  // namespace

core::Secret format_state(const State& state) {
    auto json = make_object();
    const json::WipedJson wiped{json};
    json->set("version", version);
    json->set("identity", to_json(state.identity));
    json->set("owner_id", state.owner_id);
    json->set("installation", state.installation);
    json->set("machine", state.machine);
    json->set("last_generation", state.last_generation);
    json->set("refused_keys", state.refused_keys);
    Poco::JSON::Array::Ptr retired = new Poco::JSON::Array;
    for (const auto& name : state.retired) retired->add(name);
    json->set("retired", retired);
    json->set("last_seen", core::format_instant(state.last_seen));
    if (state.twin) json->set("twin", *state.twin);
    set_time(*json, "decommissioned_at", state.decommissioned_at);
    if (state.intent) json->set("intent", to_json(*state.intent));
    if (state.pending) json->set("pending", to_json(*state.pending));
    if (state.current) json->set("current", to_json(*state.current));
    if (state.pause) json->set("pause", to_json(*state.pause));
    set_each(*json, "superseded", state.superseded);
    set_each(*json, "others", state.others);
    set_each(*json, "failures", state.failures);
    WipedText text;
    json->stringify(text.out(), 2);
    text.out() << '\n';
    return text.take();
}

core::Result<State> parse_state(std::string_view text) {
    try {
        const auto json = json::parse_object(text);
        return read_state(json.object());
    } catch (const Poco::DataFormatException& error) {
        return core::fail(ErrorKind::Corrupt, error.message());
    } catch (const std::exception&) {
        // The parser's own message may quote the text, which may hold a secret.
        return core::fail(ErrorKind::Corrupt, "is not whole JSON");
    }
}

}  // namespace devkey::storage
