#include "control/desk.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace devkey::control {

using core::Request;

namespace {

Reply refuse(Refusal refusal, std::string_view detail) {
    return {.line = format_refusal(refusal, detail)};
}

bool may_ask(const Question& question, const Rights& rights) {
    return rights.change || (rights.read && only_reads(question.verb));
}

std::string rotated_already(const Question& question, const core::Status& status) {
    const auto current = status.key->generation;
    if (current <= question.generation) return {};
    if (question.compromised)
        for (const auto& key : status.superseded)
            if (key.generation <= question.generation && !key.disabled_at) return {};
    return "generation " + std::to_string(question.generation) + " is replaced: the current one is " +
           std::to_string(current);
}

/// Why what is asked about a key comes too late, whatever stands; empty: it doesn't.
std::string too_late(const Question& question, const core::Status& status) {
    if (!core::names_a_generation(request_of(question.verb))) return {};
    if (question.verb == Verb::Rotate) return status.key ? rotated_already(question, status) : "";
    if (!status.key) return "the device has no key";
    if (status.key->generation == question.generation) return {};
    return "generation " + std::to_string(question.generation) + " isn't the current key: that is " +
           std::to_string(status.key->generation);
}

/// Of what is asked about the current key, beside a rotation.
std::string done_with_key(const Question& question, const core::Status& status) {
    const core::KeyStatus& key = *status.key;
    const bool may_return = std::ranges::any_of(status.superseded, &core::OldKeyStatus::can_return);
    if (question.verb == Verb::Rollback && !may_return) return "there is no earlier key that could come back";
    if (question.verb == Verb::Disable && key.off_by_person) return "it is disabled, and stays so";
    if (question.verb == Verb::Enable && key.standing == core::Standing::Enabled) return "it is enabled";
    if (question.verb == Verb::Acknowledge && key.acknowledged_at) return "that is known";
    return {};
}

/// Why there is nothing to do, unless what stands undoes it; empty: there is.
std::string done_already(const Question& question, const core::Status& status) {
    const bool rests = status.decommissioned_at.has_value();
    if (question.verb == Verb::Decommission && rests) return "the device is out of service";
    if (question.verb == Verb::Recommission && !rests) return "the device is in service";
    if (question.verb == Verb::Resume && !status.pause) return "nothing is paused";
    const bool about_key = core::names_a_generation(request_of(question.verb));
    return about_key && question.verb != Verb::Rotate ? done_with_key(question, status) : "";
}

/// Whether what stands is going to change what `asked` finds done already.
bool undoes(Request standing, Request asked) {
    constexpr std::array opposites{std::pair{Request::Decommission, Request::Recommission},
                                   std::pair{Request::Disable, Request::Enable},
                                   std::pair{Request::Pause, Request::Resume}};
    return std::ranges::any_of(opposites, [=](const auto& pair) {
        return pair == std::pair{standing, asked} || pair == std::pair{asked, standing};
    });
}

bool is_still_to_come(const Question& question, const core::Status& status) {
    if (question.verb != Verb::Rotate || !status.key) return false;
    const auto is_earlier = [&](const auto& key) { return key.generation < question.generation; };
    return is_earlier(*status.key) && std::ranges::all_of(status.superseded, is_earlier);
}

/// What can't be done as things are; empty: nothing stands in its way.
std::string impossible(const Question& question, const core::Status& status) {
    const bool about_key = core::names_a_generation(request_of(question.verb));
    const bool about_pause = question.verb == Verb::Pause || question.verb == Verb::Resume;
    if ((about_key || about_pause) && status.decommissioned_at)
        return "the device is out of service: ask for recommission first";
    const bool is_off = status.key && core::is_switched_off(status.key->standing);
    if (question.verb == Verb::Rollback && is_off) return "the key is disabled: ask for enable first";
    return {};
}

/// Who takes a device out of service, stops its key or its agent, or tells of a leak, isn't kept waiting by
/// what somebody else has asked for.
bool takes_the_place_of(const core::Asking& next, const core::Asking& standing) {
    if (next.request == Request::Decommission) return true;
    if (standing.request == Request::Decommission || standing.request == Request::Recommission) return false;
    // That a key leaked isn't forgotten for less.
    if (standing.compromised) return next.compromised && next.generation >= standing.generation;
    const bool stops = next.request == Request::Disable || next.request == Request::Pause;
    return stops || (next.request == Request::Rotate && next.compromised);
}

/// By the service's clock, if that is known.
std::optional<core::Instant> end_of_pause(const Question& question, const core::Status& status) {
    if (question.for_s == 0) return std::nullopt;
    return core::writable(status.now + std::chrono::seconds{question.for_s});
}

Reply record(const Question& question, const Standing& standing, std::string by, std::string fresh_id) {
    core::Asking asking{.request = request_of(question.verb),
                        .id = std::move(fresh_id),
                        .generation = question.generation,
                        .compromised = question.compromised,
                        .until = end_of_pause(question, standing.status),
                        .why = question.why,
                        .by = std::move(by)};
    const auto& before = standing.agent.asking;
    if (asks_for_the_same(before, asking)) return {.line = format_accepted(before)};
    if (before.request != Request::None && !takes_the_place_of(asking, before))
        return refuse(Refusal::Busy, std::string(core::name_of(before.request)) +
                                         " was asked for before and is not done yet: ask again when it is");
    return {.line = format_accepted(asking), .record = std::move(asking)};
}

}  // namespace

Reply reply_to(const Question& question, const Rights& rights, const Standing& standing, std::string by,
               std::string fresh_id) {
    if (!may_ask(question, rights))
        return refuse(Refusal::NotAllowed, rights.read ? "only root and control.change_group may ask that"
                                                       : "only root, control.read_group and "
                                                         "control.change_group may ask anything");
    if (question.verb == Verb::Status) return {.line = format_status(standing.status, standing.agent)};
    if (question.verb == Verb::History) return {.history = question.most};
    if (question.verb == Verb::Plan) return {.plan = std::chrono::seconds{question.until_s}};
    if (question.verb == Verb::Reload) return {.line = format_done(), .reload = true};
    if (question.verb == Verb::Look) return {.line = format_done(), .look = true};
    if (is_still_to_come(question, standing.status))
        return refuse(Refusal::BadRequest, "field 'generation': there is no key of that generation yet");
    if (const auto why = impossible(question, standing.status); !why.empty())
        return refuse(Refusal::NotPossible, why);
    auto why = too_late(question, standing.status);
    if (why.empty() && !undoes(standing.agent.asking.request, request_of(question.verb)))
        why = done_already(question, standing.status);
    if (!why.empty()) return {.line = format_nothing_to_do(why)};
    return record(question, standing, std::move(by), std::move(fresh_id));
}

}  // namespace devkey::control
