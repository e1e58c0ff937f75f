#include "control/metrics.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.hpp"

namespace devkey::control {

using Poco::JSON::Object;

namespace {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

/// Within quotes, as the text format wants it.
std::string escaped(std::string_view value) {
    std::string text;
    for (const char c : value) {
        if (c == '\\' || c == '"') text += '\\';
        text += c == '\n' ? std::string{"\\n"} : std::string(1, c);
    }
    return text;
}

std::string words_of(const Labels& labels) {
    std::string text;
    for (const auto& [name, value] : labels)
        text += (text.empty() ? "{" : ",") + std::string(name) + "=\"" + escaped(value) + '"';
    return text.empty() ? text : text + '}';
}

class Page {
 public:
    /// Begins a gauge; `name` without our prefix.
    void gauge(std::string_view name, std::string_view help) {
        name_ = "devkeyd_" + std::string(name);
        text_ += "# HELP " + name_ + ' ' + std::string(help) + "\n# TYPE " + name_ + " gauge\n";
    }
    void sample(const std::string& value, const Labels& labels = {}) {
        text_ += name_ + words_of(labels) + ' ' + value + '\n';
    }
    std::string take() { return std::move(text_); }

 private:
    std::string name_;
    std::string text_;
};

std::string text(const Object& json, const std::string& name) {
    return json.has(name) ? json.getValue<std::string>(name) : std::string{};
}

/// Of what isn't known there is no sample, and no gauge either.
void add_number(Page& page, std::string_view name, std::string_view help, const Object& json,
                const std::string& field) {
    if (!json.has(field)) return;
    page.gauge(name, help);
    page.sample(std::to_string(json.getValue<Poco::Int64>(field)));
}

void add_time(Page& page, std::string_view name, std::string_view help, const Object& json,
              const std::string& field) {
    if (!json.has(field)) return;
    const auto at = core::parse_instant(json.getValue<std::string>(field));
    if (!at) throw Poco::DataFormatException(field);
    const auto millis = at->time_since_epoch().count();
    std::array<char, 32> seconds{};
    std::snprintf(seconds.data(), seconds.size(), "%lld.%03lld", static_cast<long long>(millis / 1000),
                  static_cast<long long>(millis % 1000));
    page.gauge(name, help);
    page.sample(seconds.data());
}

void add_flag(Page& page, std::string_view name, std::string_view help, bool value) {
    page.gauge(name, help);
    page.sample(value ? "1" : "0");
}

void add_health(Page& page, const Object& json) {
    page.gauge("health", "How the device fares: 1 for the state it is in.");
    const auto now = json.getValue<std::string>("health");
    for (const auto health :
         {core::Health::Healthy, core::Health::Degraded, core::Health::Failing, core::Health::OutOfService}) {
        const std::string name{core::name_of(health)};
        page.sample(name == now ? "1" : "0", {{"state", name}});
    }
    page.gauge("reason_info", "Why: the reason that status names.");
    page.sample("1", {{"reason", json.getValue<std::string>("reason")}});
    add_time(page, "next_action_timestamp_seconds", "When the agent looks again.", json, "next_at");
}

void add_key(Page& page, const Object& json) {
    add_flag(page, "credential_file_whole", "Whether the credential file holds the current key.",
             json.getValue<bool>("credential_file_whole"));
    add_number(page, "proof_lasts_seconds",
               "How old the latest proof that the key works may be, by the policy.", json, "proof_lasts_s");
    const auto key = json.getObject("key");
    if (!key) return;
    add_number(page, "key_generation", "The current key's generation: 1 is the device's first.", *key,
               "generation");
    add_time(page, "key_created_timestamp_seconds", "When the current key was made.", *key, "created_at");
    add_time(page, "key_published_timestamp_seconds", "When the current key was published.", *key,
             "published_at");
    add_time(page, "key_proven_timestamp_seconds", "When the current key was last seen to work.", *key,
             "proven_at");
}

std::size_t length_of(const Object& json, const std::string& name) {
    const auto list = json.getArray(name);
    return list ? list->size() : 0;
}

void add_others(Page& page, const Object& json) {
    page.gauge("superseded_keys", "Earlier keys of this installation that are still on the service.");
    page.sample(std::to_string(length_of(json, "superseded")));
    page.gauge("other_installation_keys", "Keys of this device that another installation made.");
    page.sample(std::to_string(length_of(json, "others")));
    if (const auto slots = json.getObject("slots")) {
        add_number(page, "owner_keys", "Keys that the owner has, when the service last listed them.", *slots,
                   "taken");
        add_number(page, "owner_keys_limit", "Keys that the service allows the owner.", *slots, "most");
    }
}

void add_failures(Page& page, const Object& json) {
    const auto failures = json.getArray("failures");
    if (!failures || failures->empty()) return;
    page.gauge("failures", "How often in a row an action has failed that is tried again.");
    for (unsigned at = 0; at < failures->size(); ++at) {
        const auto failure = failures->getObject(at);
        Labels labels{{"action", text(*failure, "action")}, {"reason", text(*failure, "reason")}};
        if (failure->has("key_id")) labels.emplace_back("key_id", text(*failure, "key_id"));
        page.sample(std::to_string(failure->getValue<unsigned>("count")), labels);
    }
}

std::string format(const Object& json) {
    Page page;
    if (const auto agent = json.getObject("agent"); agent && agent->has("version")) {
        page.gauge("build_info", "The devkeyd that runs.");
        page.sample("1", {{"version", agent->getValue<std::string>("version")}});
    }
    add_health(page, json);
    add_key(page, json);
    add_others(page, json);
    add_failures(page, json);
    add_flag(page, "paused", "Whether a person wants nothing done by the schedule.", json.has("pause"));
    const auto clock = json.getValue<std::string>("clock");
    add_flag(page, "clock_trusted",
             "Whether the time is the service's, or a clock that something keeps right.",
             clock == core::name_of(core::ClockTrust::Server) ||
                 clock == core::name_of(core::ClockTrust::Synchronised));
    add_time(page, "decommissioned_timestamp_seconds", "When the device was taken out of service.", json,
             "decommissioned_at");
    return page.take();
}

}  // namespace

core::Result<std::string> format_metrics(const std::string& status) {
    try {
        const auto json = Poco::JSON::Parser().parse(status).extract<Object::Ptr>();
        if (json->getValue<std::string>("answer") == "status") return format(*json);
    } catch (const std::exception&) {  // named below
    }
    return core::fail(core::ErrorKind::Corrupt, "this is no answer to status of this version");
}

}  // namespace devkey::control
