#include "control/plan_json.hpp"

#include <Poco/JSON/Object.h>

#include <sstream>

#include "control/protocol.hpp"

namespace devkey::control {

using Poco::JSON::Object;

namespace {

constexpr const char* assumptions =
    "the service answers and does what it is asked; nobody else changes anything; nothing more is asked for; "
    "the device's program gives its signs of life; names of keys to come are made up";

std::string time(core::Instant at) {
    return core::format_instant(core::writable(at));
}

void set_reason(Object& json, core::Reason reason, const std::string& detail) {
    json.set("reason", std::string(core::name_of(reason)));
    json.set("sentence", std::string(core::sentence_of(reason)));
    if (!detail.empty()) json.set("detail", detail);
}

std::string text_of(const Object& json) {
    std::ostringstream text;
    json.stringify(text);
    return text.str();
}

std::string format_step(const core::ForecastStep& step) {
    Object json{Poco::JSON_PRESERVE_KEY_ORDER};
    json.set("at", time(step.at));
    json.set("action", std::string(core::name_of(step.action)));
    set_reason(json, step.reason, step.detail);
    if (!step.rule.empty()) json.set("rule", std::string(step.rule));
    json.set("times", step.times);
    json.set("last_at", time(step.last_at));
    return text_of(json);
}

std::string format_rest(const core::Forecast& forecast) {
    Object json{Poco::JSON_PRESERVE_KEY_ORDER};
    set_reason(json, forecast.then, forecast.detail);
    if (forecast.next_at) json.set("next_at", time(*forecast.next_at));
    return text_of(json);
}

}  // namespace

std::string format_plan(const core::Forecast& forecast) {
    std::string steps;
    auto until = forecast.until;
    bool whole = forecast.whole;
    for (const auto& step : forecast.steps) {
        const auto text = format_step(step);
        if (steps.size() + text.size() > room_for_list) {
            whole = false;
            until = step.at;
            break;
        }
        steps += (steps.empty() ? "" : ",") + text;
    }
    Object head{Poco::JSON_PRESERVE_KEY_ORDER};
    head.set("version", version);
    head.set("answer", "plan");
    head.set("from", time(forecast.from));
    head.set("until", time(until));
    head.set("whole", whole);
    head.set("assumes", assumptions);
    auto line = text_of(head);
    line.pop_back();  // the brace: the steps are JSON already
    return line + ",\"steps\":[" + steps + "],\"then\":" + format_rest(forecast) + "}";
}

}  // namespace devkey::control
