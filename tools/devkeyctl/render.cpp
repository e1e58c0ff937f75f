#include "devkeyctl/render.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <iterator>
#include <sstream>
#include <utility>

#include "core/text.hpp"

namespace devkey::ctl {

using core::ErrorKind;
using core::Result;
using Poco::JSON::Object;

namespace {

/// Fit for a terminal.
std::string text(const Object& json, const std::string& name) {
    return json.has(name) ? core::escaped(json.getValue<std::string>(name)) : std::string{};
}

std::string text(const Object::Ptr& json, const std::string& name) {
    return json ? text(*json, name) : std::string{};
}

std::optional<core::Instant> time(const Object& json, const std::string& name) {
    const auto at = core::parse_instant(text(json, name));
    return at ? std::optional(*at) : std::nullopt;
}

Object::Ptr parse(const std::string& line) {
    return Poco::JSON::Parser().parse(line).extract<Object::Ptr>();
}

std::vector<Object::Ptr> objects(const Object& json, const std::string& name) {
    std::vector<Object::Ptr> found;
    const auto list = json.getArray(name);
    for (unsigned at = 0; list && at < list->size(); ++at)
        if (auto object = list->getObject(at)) found.push_back(std::move(object));
    return found;
}

void read_status(const Object& json, Answer& answer) {
    answer.health = text(json, "health");
    answer.reason = text(json, "reason");
    answer.sentence = text(json, "sentence");
    answer.whole = json.optValue("credential_file_whole", false);
    if (const auto key = json.getObject("key")) {
        answer.standing = text(key, "standing");
        answer.generation = key->getValue<std::uint32_t>("generation");
        answer.key_name = text(key, "name");
        answer.off_by_person = key->optValue("disabled_by_person", false);
        answer.acknowledged = key->has("acknowledged_at");
    }
    for (const auto& old : objects(json, "superseded"))
        if (old->getValue<bool>("enabled"))
            answer.enabled.push_back(old->getValue<std::uint32_t>("generation"));
    const auto agent = json.getObject("agent");
    answer.doing = text(agent, "doing");
    answer.agent_version = text(agent, "version");
    const auto asked = agent ? agent->getObject("asked") : Object::Ptr{};
    answer.asked_id = text(asked, "id");
    answer.asked = text(asked, "request");
    answer.now = time(json, "now");
    if (const auto slots = json.getObject("slots")) answer.listed_at = time(*slots, "at");
}

Answer read_answer(std::string line) {
    const auto json = parse(line);
    if (json->getValue<int>("version") != 1) throw Poco::DataFormatException("version");
    Answer answer;
    answer.kind = json->getValue<std::string>("answer");
    answer.error = text(json, "error");
    answer.detail = text(json, "detail");
    answer.id = text(json, "id");
    if (answer.kind == "status") read_status(*json, answer);
    answer.line = std::move(line);
    return answer;
}

std::string colored(std::string_view health, bool color) {
    if (!color) return std::string(health);
    const int code = health == "healthy" ? 32 : health == "degraded" ? 33 : 31;
    return fmt::format("\x1b[{}m{}\x1b[0m", code, health);
}

/// `3d ago`, `in 5m`; by the daemon's clock.
std::string relative(const std::string& at, const std::string& now) {
    const auto time = core::parse_instant(at);
    const auto reference = core::parse_instant(now);
    if (!time || !reference) return at;
    const auto distance = std::chrono::abs(*time - *reference);
    // Two units are enough for people.
    const auto unit = distance >= std::chrono::days{2}    ? core::Millis{std::chrono::hours{1}}
                      : distance >= std::chrono::hours{2} ? core::Millis{std::chrono::minutes{1}}
                                                          : core::Millis{std::chrono::seconds{1}};
    if (distance < std::chrono::seconds{1}) return "just now";
    const auto words = core::format_duration(distance / unit * unit);
    return *time > *reference ? "in " + words : words + " ago";
}

class Lines {
 public:
    void add(std::string_view name, const std::string& value) {
        if (!value.empty()) fmt::format_to(std::back_inserter(text_), "{:<12}{}\n", name, value);
    }
    std::string take() { return std::move(text_); }

 private:
    std::string text_;
};

std::string why(const Object& json) {
    std::string words = text(json, "reason") + ": " + text(json, "sentence");
    if (json.has("detail")) words += ": " + text(json, "detail");
    return words;
}

void add_key(Lines& lines, const Object& json, const std::string& now) {
    const auto key = json.getObject("key");
    if (!key) return lines.add("key", "none");
    lines.add("key", fmt::format("{} (generation {}, {})", text(key, "name"), text(key, "generation"),
                                 text(key, "standing")));
    lines.add("  id", text(key, "id"));
    lines.add("  made", relative(text(key, "created_at"), now));
    lines.add("  proven", key->has("proven_at") ? relative(text(key, "proven_at"), now) : "never");
    lines.add("  file", json.getValue<bool>("credential_file_whole") ? "whole" : "not there, or altered");
}

std::string state_of_old(const Object& old, const std::string& now) {
    std::string words = old.getValue<bool>("enabled") ? "still enabled" : "disabled";
    if (old.has("superseded_at")) words += ", replaced " + relative(text(old, "superseded_at"), now);
    return words + (old.optValue("can_return", false) ? ", can come back" : "");
}

std::string slots_of(const Object& json) {
    const auto slots = json.getObject("slots");
    if (!slots) return {};
    return slots->has("most") ? text(slots, "taken") + " of " + text(slots, "most") + " taken"
                              : text(slots, "taken") + " taken";
}

void add_others(Lines& lines, const Object& json, const std::string& now) {
    for (const auto& old : objects(json, "superseded"))
        lines.add("old key", fmt::format("{} (generation {}, {})", text(old, "name"), text(old, "generation"),
                                         state_of_old(*old, now)));
    for (const auto& other : objects(json, "others"))
        lines.add("other key", text(other, "name") + ", seen " + relative(text(other, "seen_at"), now));
    for (const auto& failure : objects(json, "failures"))
        lines.add("failing", fmt::format("{}, {} times: {}: {}; again {}", text(failure, "action"),
                                         text(failure, "count"), text(failure, "reason"),
                                         text(failure, "message"), relative(text(failure, "retry_at"), now)));
}

std::string render_list(const Object& json) {
    const auto now = text(json, "now");
    std::string lines;
    const auto add = [&](const std::string& id, const std::string& name, const std::string& generation,
                         const std::string& words) {
        lines += fmt::format("{}  {}  {:>3}  {}\n", id, name, generation, words);
    };
    if (const auto key = json.getObject("key"))
        add(text(key, "id"), text(key, "name"), text(key, "generation"), "in use, " + text(key, "standing"));
    for (const auto& old : objects(json, "superseded"))
        add(text(old, "id"), text(old, "name"), text(old, "generation"), state_of_old(*old, now));
    for (const auto& other : objects(json, "others"))
        add(text(other, "id"), text(other, "name"), "",
            "another installation's, seen " + relative(text(other, "seen_at"), now));
    const auto slots = json.getObject("slots");
    if (!slots) return lines + "the service wasn't asked yet";
    return lines + "owner's keys: " + slots_of(json) + ", asked " + relative(text(slots, "at"), now);
}

void add_agent(Lines& lines, const Object& json) {
    lines.add("slots", slots_of(json));
    lines.add("clock", text(json, "clock"));
    if (const auto pause = json.getObject("pause"))
        lines.add("paused", pause->has("until") ? "ends " + relative(text(pause, "until"), text(json, "now"))
                                                : "until devkeyctl resume");
    const auto agent = json.getObject("agent");
    if (const auto asked = agent ? agent->getObject("asked") : Object::Ptr{})
        lines.add("asked for", fmt::format("{}{} by {}{}", text(asked, "request"),
                                           asked->optValue("compromised", false) ? " --compromised" : "",
                                           asked->has("by") ? text(asked, "by") : "somebody",
                                           asked->has("why") ? ": " + text(asked, "why") : ""));
    lines.add("doing", text(agent, "doing"));
    if (agent && !agent->optValue("running", true))
        return lines.add("agent", "not running: this is what its state on disk tells");
    lines.add("agent", "devkeyd " + text(agent, "version") + ", pid " + text(agent, "pid"));
}

std::string render(const Object& json, bool color) {
    const auto now = text(json, "now");
    Lines lines;
    lines.add("health", colored(text(json, "health"), color));
    lines.add("because", why(json));
    lines.add("device", text(json, "device"));
    add_key(lines, json, now);
    if (json.has("next_at")) lines.add("next look", relative(text(json, "next_at"), now));
    add_others(lines, json, now);
    add_agent(lines, json);
    return lines.take();
}

std::string words_of_entry(const Object& entry) {
    std::string fields;
    for (const auto& [name, value] : entry) {
        if (name == "at" || name == "event" || name == "message") continue;
        fields += (fields.empty() ? "" : ", ") + core::escaped(name) + "=" + core::escaped(value.toString());
    }
    const auto words =
        fmt::format("{} {}: {}", text(entry, "at"), text(entry, "event"), text(entry, "message"));
    return fields.empty() ? words : fmt::format("{} ({})", words, fields);
}

std::unexpected<core::Error> not_understood() {
    return core::fail(ErrorKind::Corrupt,
                      "devkeyd's answer is none that this devkeyctl understands: are both of one version?");
}

}  // namespace

Result<Answer> parse_answer(std::string line) {
    try {
        return read_answer(std::move(line));
    } catch (const std::exception&) {
        return not_understood();
    }
}

Result<std::string> render_status(const Answer& answer, bool color) {
    try {
        return render(*parse(answer.line), color);
    } catch (const std::exception&) {
        return not_understood();
    }
}

Result<std::string> render_keys(const Answer& answer) {
    try {
        return render_list(*parse(answer.line));
    } catch (const std::exception&) {
        return not_understood();
    }
}

Result<std::vector<std::string>> render_history(const Answer& answer) {
    try {
        std::vector<std::string> lines;
        for (const auto& entry : objects(*parse(answer.line), "entries"))
            lines.push_back(words_of_entry(*entry));
        return lines;
    } catch (const std::exception&) {
        return not_understood();
    }
}

std::string json_of(std::string_view kind, const std::vector<std::pair<std::string, std::string>>& fields) {
    Object json{Poco::JSON_PRESERVE_KEY_ORDER};
    json.set("version", 1);
    json.set("answer", std::string(kind));
    for (const auto& [name, value] : fields) json.set(name, value);
    std::ostringstream out;
    json.stringify(out);
    return out.str();
}

}  // namespace devkey::ctl
