#include "control/protocol.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>

#include <algorithm>
#include <array>
#include <exception>
#include <sstream>

#include "core/text.hpp"
#include "json/fields.hpp"

namespace devkey::control {

using core::ErrorKind;
using core::Request;
using Poco::JSON::Object;

namespace {

constexpr std::array verbs{Verb::Status,   Verb::History,      Verb::Plan,         Verb::Rotate,
                           Verb::Reload,   Verb::Decommission, Verb::Recommission, Verb::TakeOver,
                           Verb::Rollback, Verb::Disable,      Verb::Enable,       Verb::Acknowledge,
                           Verb::Pause,    Verb::Resume,       Verb::Look};

std::string line_of(const Object& json) {
    std::ostringstream text;
    json.stringify(text);
    return text.str();
}

Object answer(std::string_view kind) {
    Object json{Poco::JSON_PRESERVE_KEY_ORDER};
    json.set("version", version);
    json.set("answer", std::string(kind));
    return json;
}

std::string read_why(json::Fields& fields) {
    if (!fields.has("why")) return {};
    auto why = fields.text_or_none("why");
    if (why.size() > core::longest_why)
        fields.refuse("why", "is longer than " + std::to_string(core::longest_why) + " bytes");
    if (core::has_control_character(why))
        fields.refuse("why", "holds a line end or another control character: give one line of text");
    return why;
}

Question read_question(std::string_view line) {
    const auto json = json::parse_object(line);
    json::Fields fields{json.object(), ""};
    if (fields.number("version") != version) fields.refuse("version", "is not 1: this devkeyd speaks 1 only");
    const auto word = fields.text("verb");
    const auto verb = std::ranges::find(verbs, word, [](Verb one) { return name_of(one); });
    if (verb == verbs.end()) fields.refuse("verb", "is none that this devkeyd knows");
    Question question{.verb = *verb};
    if (request_of(question.verb) != Request::None) question.why = read_why(fields);
    if (core::names_a_generation(request_of(question.verb)))
        question.generation = fields.number("generation");
    if (question.verb == Verb::Rotate)
        question.compromised = fields.has("compromised") && fields.flag("compromised");
    if (question.verb == Verb::Pause && fields.has("for_s")) {
        question.for_s = fields.number("for_s");
        if (std::chrono::seconds{question.for_s} > core::longest_pause)
            fields.refuse("for_s", "is longer than " + core::format_duration(core::longest_pause));
    }
    if (question.verb == Verb::History && fields.has("most")) {
        question.most = fields.number("most");
        if (question.most == 0 || question.most > most_entries)
            fields.refuse("most", "is not from 1 to " + std::to_string(most_entries));
    }
    if (question.verb == Verb::Plan) {
        question.until_s = fields.number("until_s");
        if (question.until_s > longest_plan_s)
            fields.refuse("until_s", "is more than " + std::to_string(longest_plan_s) + ", 400 days");
    }
    fields.done();
    return question;
}

}  // namespace

std::string_view name_of(Verb verb) {
    constexpr std::array names{"status",       "history",      "plan",      "rotate",   "reload",
                               "decommission", "recommission", "take-over", "rollback", "disable",
                               "enable",       "ack",          "pause",     "resume",   "look"};
    return names.at(static_cast<std::size_t>(verb));
}

bool only_reads(Verb verb) {
    return verb == Verb::Status || verb == Verb::History || verb == Verb::Plan || verb == Verb::Look;
}

Request request_of(Verb verb) {
    switch (verb) {
        case Verb::Rotate:
            return Request::Rotate;
        case Verb::Decommission:
            return Request::Decommission;
        case Verb::Recommission:
            return Request::Recommission;
        case Verb::TakeOver:
            return Request::TakeOver;
        case Verb::Rollback:
            return Request::Rollback;
        case Verb::Disable:
            return Request::Disable;
        case Verb::Enable:
            return Request::Enable;
        case Verb::Acknowledge:
            return Request::Acknowledge;
        case Verb::Pause:
            return Request::Pause;
        case Verb::Resume:
            return Request::Resume;
        case Verb::Status:
        case Verb::History:
        case Verb::Plan:
        case Verb::Reload:
        case Verb::Look:
            break;
    }
    return Request::None;
}

std::string format_question(const Question& question) {
    Object json{Poco::JSON_PRESERVE_KEY_ORDER};
    json.set("version", version);
    json.set("verb", std::string(name_of(question.verb)));
    if (core::names_a_generation(request_of(question.verb))) json.set("generation", question.generation);
    if (question.verb == Verb::Rotate) json.set("compromised", question.compromised);
    if (question.for_s > 0) json.set("for_s", question.for_s);
    if (question.verb == Verb::History) json.set("most", question.most);
    if (question.verb == Verb::Plan) json.set("until_s", question.until_s);
    if (!question.why.empty()) json.set("why", question.why);
    return line_of(json);
}

core::Result<Question> parse_question(std::string_view line) {
    try {
        return read_question(line);
    } catch (const Poco::DataFormatException& error) {
        return core::fail(ErrorKind::InvalidInput, error.message());
    } catch (const std::exception&) {
        return core::fail(ErrorKind::InvalidInput, "the line is not whole JSON");
    }
}

std::string_view name_of(Refusal refusal) {
    constexpr std::array names{"bad-request",  "not-allowed", "busy",
                               "bad-settings", "not-saved",   "not-possible"};
    return names.at(static_cast<std::size_t>(refusal));
}

std::string format_history(const std::vector<std::string>& entries) {
    std::string list;
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
        if (list.size() + entry->size() > room_for_list) break;
        list = *entry + (list.empty() ? "" : ",") + list;
    }
    return R"({"version":)" + std::to_string(version) + R"(,"answer":"history","entries":[)" + list + "]}";
}

std::string format_accepted(const core::Asking& asking) {
    auto json = answer("accepted");
    json.set("request", std::string(core::name_of(asking.request)));
    json.set("id", asking.id);
    return line_of(json);
}

std::string format_nothing_to_do(std::string_view detail) {
    auto json = answer("nothing-to-do");
    json.set("detail", std::string(detail));
    return line_of(json);
}

std::string format_done() {
    return line_of(answer("done"));
}

std::string format_refusal(Refusal refusal, std::string_view detail) {
    auto json = answer("refused");
    json.set("error", std::string(name_of(refusal)));
    json.set("detail", std::string(detail));
    return line_of(json);
}

}  // namespace devkey::control
