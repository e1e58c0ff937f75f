#include "devkeyctl/render_plan.hpp"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include <exception>
#include <iterator>

#include "core/text.hpp"

namespace devkey::ctl {

using Poco::JSON::Object;

namespace {

/// Fit for a terminal.
std::string text(const Object& json, const std::string& name) {
    return json.has(name) ? core::escaped(json.getValue<std::string>(name)) : std::string{};
}

/// `2026-01-02 03:04:05`: without what people don't need.
std::string time(const Object& json, const std::string& name) {
    auto at = text(json, name).substr(0, 19);
    if (at.size() > 10) at[10] = ' ';
    return at;
}

std::string why(const Object& json) {
    std::string words = text(json, "reason") + ": " + text(json, "sentence");
    if (json.has("detail")) words += ": " + text(json, "detail");
    return words;
}

std::string words_of_step(const Object& step) {
    const auto action = text(step, "action");
    const auto times = step.getValue<unsigned>("times");
    const auto again =
        times > 1 ? fmt::format(" ({} times, the last at {})", times, time(step, "last_at")) : std::string{};
    return fmt::format("{}  {:<13} {}{}\n", time(step, "at"), action == "idle" ? "wait" : action, why(step),
                       again);
}

std::string render(const Object& json) {
    auto out = fmt::format("{} to {}, in UTC\n", time(json, "from"), time(json, "until"));
    const auto steps = json.getArray("steps");
    for (unsigned at = 0; at < steps->size(); ++at) out += words_of_step(*steps->getObject(at));
    if (steps->empty()) out += "nothing is to be done until then\n";
    if (!json.getValue<bool>("whole")) out += "(there is more: what comes later is not told here)\n";
    const auto then = json.getObject("then");
    if (json.getValue<bool>("whole"))
        out += fmt::format("then: {}{}\n", why(*then),
                           then->has("next_at") ? "; next look at " + time(*then, "next_at") : "");
    return out + "taken for granted: " + text(json, "assumes");
}

}  // namespace

core::Result<std::string> render_plan(const std::string& line) {
    try {
        return render(*Poco::JSON::Parser().parse(line).extract<Object::Ptr>());
    } catch (const std::exception&) {
        return core::fail(core::ErrorKind::Corrupt,
                          "the plan is none that this devkeyctl understands: are both of one version?");
    }
}

}  // namespace devkey::ctl
