// The status as JSON. Times are RFC 3339 in UTC; what isn't known isn't there.
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <sstream>

#include "control/protocol.hpp"

namespace devkey::control {

using Poco::JSON::Array;
using Poco::JSON::Object;

namespace {

Object::Ptr make_object() {
    return new Object{Poco::JSON_PRESERVE_KEY_ORDER};
}

void set_text(Object& json, const std::string& name, const std::string& text) {
    if (!text.empty()) json.set(name, text);
}

void set_time(Object& json, const std::string& name, const std::optional<core::Instant>& at) {
    if (at) json.set(name, core::format_instant(core::writable(*at)));
}

Object::Ptr to_json(const core::KeyStatus& key) {
    auto json = make_object();
    json->set("id", key.id);
    json->set("name", key.name);
    json->set("generation", key.generation);
    json->set("standing", std::string(core::name_of(key.standing)));
    set_time(*json, "created_at", key.created_at);
    set_time(*json, "published_at", key.published_at);
    set_time(*json, "proven_at", key.proven_at);
    if (key.off_by_person) json->set("disabled_by_person", true);
    set_time(*json, "acknowledged_at", key.acknowledged_at);
    set_time(*json, "returned_at", key.returned_at);
    return json;
}

Object::Ptr to_json(const core::OldKeyStatus& key) {
    auto json = make_object();
    json->set("id", key.id);
    json->set("name", key.name);
    json->set("generation", key.generation);
    json->set("enabled", !key.disabled_at);
    json->set("can_return", key.can_return);
    set_time(*json, "superseded_at", key.superseded_at);
    set_time(*json, "disabled_at", key.disabled_at);
    return json;
}

Object::Ptr to_json(const core::OtherKey& key) {
    auto json = make_object();
    json->set("id", key.id);
    json->set("name", key.name);
    json->set("disabled_by_us", key.disabled);
    set_time(*json, "seen_at", key.seen_at);
    return json;
}

Object::Ptr to_json(const core::NotedFailure& failure) {
    auto json = make_object();
    json->set("action", failure.action);
    set_text(*json, "key_id", failure.target);
    json->set("reason", failure.reason);
    json->set("message", failure.message);
    json->set("count", failure.count);
    set_time(*json, "retry_at", failure.retry_at);
    return json;
}

template <class Items>
Array::Ptr to_list(const Items& items) {
    Array::Ptr list{new Array};
    for (const auto& item : items) list->add(to_json(item));
    return list;
}

Object::Ptr to_json(const core::Slots& slots) {
    auto json = make_object();
    json->set("taken", slots.taken);
    if (slots.most > 0) json->set("most", slots.most);
    set_time(*json, "at", slots.at);
    return json;
}

Object::Ptr to_json(const core::Pause& pause) {
    auto json = make_object();
    set_time(*json, "until", pause.until);
    return json;
}

Object::Ptr to_json(const core::Asking& asking) {
    auto json = make_object();
    json->set("request", std::string(core::name_of(asking.request)));
    set_text(*json, "id", asking.id);
    if (core::names_a_generation(asking.request)) json->set("generation", asking.generation);
    if (asking.request == core::Request::Rotate) json->set("compromised", asking.compromised);
    set_time(*json, "until", asking.until);
    set_text(*json, "why", asking.why);
    set_text(*json, "by", asking.by);
    return json;
}

Object::Ptr to_json(const AgentStatus& agent) {
    auto json = make_object();
    json->set("running", agent.running);
    set_text(*json, "version", agent.version);
    if (agent.running) json->set("pid", agent.pid);
    set_text(*json, "doing", agent.doing);
    if (agent.asking.request != core::Request::None) json->set("asked", to_json(agent.asking));
    return json;
}

void add_health(Object& json, const core::Status& status) {
    json.set("health", std::string(core::name_of(status.health)));
    json.set("reason", std::string(core::name_of(status.decision.reason)));
    json.set("sentence", std::string(core::sentence_of(status.decision.reason)));
    set_text(json, "detail", status.decision.detail);
    if (status.decision.failures > 0) json.set("failures_in_a_row", status.decision.failures);
    set_time(json, "next_at", status.next_at);
}

}  // namespace

std::string format_status(const core::Status& status, const AgentStatus& agent) {
    auto json = make_object();
    json->set("version", version);
    json->set("answer", "status");
    add_health(*json, status);
    set_text(*json, "device", status.device);
    set_time(*json, "now", status.now);
    json->set("clock", std::string(core::name_of(status.trust)));
    json->set("credential_file_whole", status.usable);
    if (status.key) json->set("key", to_json(*status.key));
    if (status.proof_lasts)
        json->set("proof_lasts_s",
                  std::chrono::duration_cast<std::chrono::seconds>(*status.proof_lasts).count());
    json->set("superseded", to_list(status.superseded));
    json->set("others", to_list(status.others));
    json->set("failures", to_list(status.failures));
    if (status.slots) json->set("slots", to_json(*status.slots));
    set_time(*json, "decommissioned_at", status.decommissioned_at);
    if (status.pause) json->set("pause", to_json(*status.pause));
    json->set("agent", to_json(agent));
    std::ostringstream text;
    json->stringify(text);
    return text.str();
}

}  // namespace devkey::control
