#include "storage/state_file.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <utility>

#include "json/fields.hpp"
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

constexpr std::size_t longest_state = 1U << 20U;  // a state has some kilobytes
constexpr std::uint32_t version = 1;

constexpr std::array intent_stages{
    std::pair{Intent::Stage::Unsent, "unsent"}, std::pair{Intent::Stage::Sent, "sent"},
    std::pair{Intent::Stage::Landed, "landed"}, std::pair{Intent::Stage::Found, "found"}};
constexpr std::array pending_stages{std::pair{PendingKey::Stage::Received, "received"},
                                    std::pair{PendingKey::Stage::Verified, "verified"},
                                    std::pair{PendingKey::Stage::Refused, "refused"}};

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
    set_time(*json, "verified_at", pending.verified_at);
    return json;
}

PendingKey read_pending(json::Fields fields) {
    PendingKey pending;
    pending.stage = read_word(fields, "stage", pending_stages);
    pending.key = read_key(fields.object("key"));
    pending.verified_at = read_time(fields, "verified_at");
    fields.done();
    return pending;
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
    fields.done();
    return current;
}

Object::Ptr to_json(const core::OldKey& key) {
    auto json = make_object();
    json->set("id", key.id);
    json->set("name", key.name);
    json->set("generation", key.generation);
    set_time(*json, "superseded_at", key.superseded_at);
    set_time(*json, "disabled_at", key.disabled_at);
    set_time(*json, "echo_until", key.echo_until);
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

namespace {

std::string path_of(const std::string& directory) {
    return directory + "/state.json";
}

struct FoundState {
    State state;
    mode_t mode;
};

core::Result<std::optional<FoundState>> read_state_file(const std::string& path) {
    const auto file = read_file(path, longest_state);
    if (!file && file.error().kind == ErrorKind::NotFound) return std::nullopt;
    if (!file) return std::unexpected(file.error());
    if (file->owner != ::geteuid())
        return core::fail(ErrorKind::Insecure, path + ": belongs to uid " + std::to_string(file->owner) +
                                                   ", not to uid " + std::to_string(::geteuid()) +
                                                   " that runs devkeyd; chown it");
    auto state = parse_state(file->content.reveal());
    if (!state)
        return core::fail(
            ErrorKind::Corrupt,
            path + ": " + state.error().message +
                "; restore it from a backup of this device, or move it aside to start as a new "
                "installation (the old key then stays on the service until somebody removes it)");
    return FoundState{*std::move(state), file->mode};
}

}  // namespace

core::Result<std::optional<State>> look_at_state(const std::string& directory) {
    auto found = read_state_file(path_of(directory));
    if (!found) return std::unexpected(std::move(found.error()));
    return *found ? std::optional(std::move((*found)->state)) : std::nullopt;
}

StateFile::StateFile(std::string directory, ports::Reporter& reporter, FileCalls& calls)
    : path_(path_of(directory)), reporter_(reporter), calls_(calls) {}

core::Result<std::optional<State>> StateFile::load() {
    remove_leftover(path_);
    auto found = read_state_file(path_);
    if (!found) return std::unexpected(std::move(found.error()));
    if (!*found) return std::nullopt;
    // What is done next rests on it.
    if (auto synced = sync_directory_of(calls_, path_); !synced) return std::unexpected(synced.error());
    auto& [state, mode] = **found;
    if ((mode & 077U) != 0) {
        reporter_.report({.severity = ports::Severity::Warning,
                          .name = "state-file-loosened",
                          .message = path_ + ": others may have read it; its mode is set back to 0600"});
        if (auto saved = save(state); !saved) return std::unexpected(saved.error());
    }
    return std::move(state);
}

core::Result<void> StateFile::save(const State& state) {
    const auto text = format_state(state);
    // A state that can't be read back would lock us out at the next start: the old one is better.
    const auto again = parse_state(text.reveal());
    if (!again || *again != state)
        return core::fail(ErrorKind::InvalidInput,
                          path_ + ": not saved, for it would not read back the same" +
                              (again ? std::string{} : ": " + again.error().message));
    return write_file(calls_, path_, text.reveal(), {.mode = 0600});
}

}  // namespace devkey::storage
