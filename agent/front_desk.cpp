#include "front_desk.hpp"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "host/group.hpp"
#include "storage/requests_file.hpp"

namespace devkey {

using control::Refusal;
using ports::Severity;

namespace {

std::string words_of(const host::Peer& peer) {
    return "uid " + std::to_string(peer.uid);
}

std::string refuse(host::NoLine fault) {
    switch (fault) {
        case host::NoLine::TooLong:
            return control::format_refusal(Refusal::BadRequest, "the line is too long");
        case host::NoLine::TooSlow:
            return control::format_refusal(Refusal::BadRequest, "no whole line came in time");
        case host::NoLine::TooMany:
            break;
    }
    return control::format_refusal(Refusal::Busy, "too many connections: ask again in a moment");
}

}  // namespace

FrontDesk::FrontDesk(host::EventLoop& loop, const Shared& shared, Daemon daemon)
    : shared_(shared),
      daemon_(std::move(daemon)),
      refusals_(loop, shared,
                {.severity = Severity::Warning,
                 .name = "control-refused",
                 .message = "somebody went on asking for what they may not ask for"},
                "uid"),
      socket_(loop, shared.clock,
              [this](const host::Peer& peer, host::ControlSocket::Line line) { return answer(peer, line); }) {
}

void FrontDesk::open(const core::ControlSettings& settings) {
    readers_ = group("control.read_group", settings.read_group);
    changers_ = group("control.change_group", settings.change_group);
    if (socket_.listens_at(settings.socket)) return;
    if (const auto listening = socket_.listen(settings.socket); !listening)
        shared_.reporter.report(
            {Severity::Warning, "control-unavailable",
             "control.socket: devkeyctl can't reach this devkeyd: " + listening.error().message});
}

std::optional<gid_t> FrontDesk::group(const std::string& setting, const std::string& name) {
    if (name.empty()) return std::nullopt;
    auto id = host::group_id(name);
    if (id) return *id;
    shared_.reporter.report({Severity::Warning, "control-unavailable",
                             setting + ": " + id.error().message + ": only root and devkeyd's user may ask"});
    return std::nullopt;
}

control::Rights FrontDesk::rights_of(const host::Peer& peer) const {
    const auto is_in = [&](const std::optional<gid_t>& group) {
        return group && std::ranges::find(peer.groups, *group) != peer.groups.end();
    };
    const bool ours = peer.uid == 0 || peer.uid == ::geteuid();
    const bool change = ours || is_in(changers_);
    return {.read = change || is_in(readers_), .change = change};
}

FrontDesk::Answer FrontDesk::answer(const host::Peer& peer, host::ControlSocket::Line line) {
    if (!line) return refuse(line.error());
    const auto question = control::parse_question(*line);
    if (!question) return control::format_refusal(Refusal::BadRequest, question.error().message);
    return answer(peer, *question);
}

FrontDesk::Answer FrontDesk::answer(const host::Peer& peer, const control::Question& question) {
    const auto rights = rights_of(peer);
    const auto status = daemon_.status();
    const auto agent = daemon_.agent();
    const auto reply = control::reply_to(question, rights, {status, agent}, words_of(peer),
                                         shared_.entropy.tag(storage::asking_id_length));
    if (!rights.change && !(rights.read && control::only_reads(question.verb)))
        tell_of_refusal(peer, question);
    if (reply.reload && !daemon_.reload())
        return control::format_refusal(
            Refusal::BadSettings, "the old settings stay in use: see the log, or devkeyd --check-config");
    if (reply.look) daemon_.look();
    if (reply.plan) return begin_plan(peer, rights, *reply.plan);
    if (reply.history > 0) return control::format_history(shared_.history.latest(reply.history));
    if (!reply.record) return reply.line;
    if (const auto recorded = daemon_.record(*reply.record); !recorded) {
        const bool busy = recorded.error().kind == core::ErrorKind::Unavailable;
        return control::format_refusal(busy ? Refusal::Busy : Refusal::NotSaved, recorded.error().message);
    }
    return reply.line;
}

// One at a time, so that plans don't take the machine from everything else. No more wait than may be
// connected, and whoever may only read waits behind all others.
FrontDesk::Answer FrontDesk::begin_plan(const host::Peer& peer, const control::Rights& rights,
                                        core::Millis span) {
    const auto before = [](const Plan& plan) { return !plan.may_change; };
    const auto place = rights.change && !plans_.empty()
                           ? std::find_if(std::next(plans_.begin()), plans_.end(), before)
                           : plans_.end();
    plans_.insert(place, {peer.connection, rights.change, span});
    if (plans_.size() == 1) daemon_.plan(span);
    return std::nullopt;
}

void FrontDesk::planned(const std::string& line) {
    if (plans_.empty()) return;
    socket_.answer_later(plans_.front().connection, line);
    plans_.pop_front();
    if (!plans_.empty()) daemon_.plan(plans_.front().span);
}

void FrontDesk::tell_of_refusal(const host::Peer& peer, const control::Question& question) {
    const auto uid = std::to_string(peer.uid);
    refusals_.tell(uid, {.severity = Severity::Warning,
                         .name = "control-refused",
                         .message = "somebody asked for what they may not ask for",
                         .fields = {{"verb", std::string(control::name_of(question.verb))},
                                    {"uid", uid},
                                    {"pid", std::to_string(peer.pid)}}});
}

}  // namespace devkey
