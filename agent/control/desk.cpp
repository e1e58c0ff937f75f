#include "control/desk.hpp"

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

/// Why there is nothing to do; empty: there is.
std::string done_already(const Question& question, const core::Status& status) {
    const bool rests = status.decommissioned_at.has_value();
    if (question.verb == Verb::Recommission && !rests) return "the device is in service";
    if (question.verb != Verb::Rotate || !status.key) return {};
    const auto current = status.key->generation;
    if (current <= question.generation) return {};
    if (question.compromised)
        for (const auto& key : status.superseded)
            if (key.generation <= question.generation && !key.disabled_at) return {};
    return "generation " + std::to_string(question.generation) + " is replaced: the current one is " +
           std::to_string(current);
}

/// What can't be done as things are; empty: nothing stands in its way.
std::string impossible(const Question& question, const core::Status& status) {
    if (question.verb == Verb::Rotate && status.decommissioned_at)
        return "the device is out of service: ask for recommission first";
    return {};
}

/// Who takes a device out of service, or tells of a leak, isn't kept waiting by what somebody else has asked
/// for.
bool takes_the_place_of(const core::Asking& next, const core::Asking& standing) {
    if (next.request == Request::Decommission) return true;
    const bool same = next.request == standing.request;
    return next.request == Request::Rotate && next.compromised &&
           (same || standing.request == Request::TakeOver);
}

Reply record(const Question& question, const Standing& standing, std::string by, std::string fresh_id) {
    core::Asking asking{.request = request_of(question.verb),
                        .id = std::move(fresh_id),
                        .generation = question.generation,
                        .compromised = question.compromised,
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
    if (question.verb == Verb::Reload) return {.line = format_done(), .reload = true};
    if (const auto why = impossible(question, standing.status); !why.empty())
        return refuse(Refusal::Busy, why);
    if (const auto why = done_already(question, standing.status); !why.empty())
        return {.line = format_nothing_to_do(why)};
    return record(question, standing, std::move(by), std::move(fresh_id));
}

}  // namespace devkey::control
