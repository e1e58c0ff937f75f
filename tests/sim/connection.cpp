#include "sim/connection.hpp"

#include <chrono>

namespace devkey::sim {

using core::Error;
using core::ErrorKind;
using core::fail;
using namespace std::chrono_literals;

namespace {

bool has_answer(Fate fate) {
    return fate != Fate::RequestLost && fate != Fate::AnswerLost && fate != Fate::LandsLate &&
           fate != Fate::NotConnected;
}

bool is_carried_out(Fate fate) {
    return fate == Fate::Answered || fate == Fate::AnswerLost || fate == Fate::Rubbish;
}

}  // namespace

Fate Connection::send(std::string_view call, const std::string& subject) {
    if (!subject.empty()) guard_(call, subject);
    try {
        effects_.pass(call, When::Before);
    } catch (const fakes::Crash&) {
        // What a dying process had sent may still land.
        if (!subject.empty() && scene_.dice.chance(300))
            scene_.cloud.send_late(call, subject, life, scene_.dice.between(1ms, scene_.cloud.longest_delay));
        throw;
    }
    ++requests;
    const Fate fate = scene_.cloud.fate_of(call);
    const auto sent = scene_.timeline.now;
    scene_.timeline.now += has_answer(fate) ? scene_.dice.between(10ms, 400ms) : Millis{30s};
    scene_.cloud.settle();
    if (has_answer(fate) && scene_.cloud.weather.tells_date)
        date_ = core::ServerDate{std::chrono::floor<std::chrono::seconds>(sent + scene_.cloud.date_wrong_by),
                                 clock_.boot_now()};
    if (fate != Fate::Answered) {
        ++scene_.coverage.faults[name_of(fate)];
        scene_.story.tell(effects_.who(), call, " ", subject, ": ", name_of(fate));
    }
    return fate;
}

bool Connection::is_misled() const {
    if (!date_) return false;
    const Instant told = date_->date + (clock_.boot_now() - date_->came);
    return std::chrono::abs(told - scene_.timeline.now) > 1min;
}

Error Connection::error_of(Fate fate, bool change) {
    switch (fate) {
        case Fate::RequestLost:
        case Fate::AnswerLost:
        case Fate::LandsLate:
        case Fate::ServerError:
        case Fate::Rubbish:
            return {change ? ErrorKind::OutcomeUnknown : ErrorKind::Unavailable, "no usable answer"};
        case Fate::RateLimited:
            return {ErrorKind::RateLimited, "429",
                    scene_.dice.chance(500) ? std::optional(std::chrono::seconds{120}) : std::nullopt};
        case Fate::Forbidden:
            return {ErrorKind::Forbidden, "403"};
        case Fate::Refused:
            session_ = false;
            return {ErrorKind::Unauthenticated, "401"};
        case Fate::NameRefused:
            return {ErrorKind::Conflict, "409"};
        case Fate::ProviderOff:
            return {ErrorKind::ProviderOff, "404"};
        default:
            return {ErrorKind::Unavailable, "no connection"};
    }
}

void Connection::arrived(std::string_view call, Fate fate) {
    // An answer that is lost is lost whether or not the process still waits for it.
    if (fate == Fate::Answered) effects_.pass(call, When::After);
}

core::Result<std::string> Connection::log_in() {
    if (session_) return scene_.cloud.owner;
    const Fate fate = send("log_in");
    if (fate != Fate::Answered) return std::unexpected(error_of(fate, false));
    session_ = true;
    arrived("log_in", fate);
    return scene_.cloud.owner;
}

core::Result<std::vector<core::ListedKey>> Connection::list() {
    if (auto in = log_in(); !in) return std::unexpected(in.error());
    const Fate fate = send("list");
    if (fate != Fate::Answered) return std::unexpected(error_of(fate, false));
    auto listed = scene_.cloud.list();
    ++lists;
    arrived("list", fate);
    return listed;
}

core::Result<core::ListedKey> Connection::get(const std::string& id) {
    if (auto in = log_in(); !in) return std::unexpected(in.error());
    const Fate fate = send("get");
    if (fate != Fate::Answered) return std::unexpected(error_of(fate, false));
    auto got = scene_.cloud.get(id);
    arrived("get", fate);
    return got;
}

core::Result<ports::CreatedKey> Connection::create(const std::string& name) {
    if (auto in = log_in(); !in) return std::unexpected(in.error());
    const Fate fate = send("create", name);
    if (fate == Fate::LandsLate)
        scene_.cloud.send_late("create", name, life, scene_.dice.between(1s, scene_.cloud.longest_delay));
    if (!is_carried_out(fate)) return std::unexpected(error_of(fate, true));
    auto created = scene_.cloud.create(name, life);
    if (fate != Fate::Answered) return std::unexpected(error_of(fate, true));
    arrived("create", fate);
    return created;
}

core::Result<void> Connection::change(std::string_view call, const std::string& id) {
    if (auto in = log_in(); !in) return std::unexpected(in.error());
    const Fate fate = send(call, id);
    if (fate == Fate::LandsLate)
        scene_.cloud.send_late(call, id, life, scene_.dice.between(1s, scene_.cloud.longest_delay));
    if (!is_carried_out(fate)) return std::unexpected(error_of(fate, true));
    core::Result<void> done;
    if (call == "remove")
        scene_.cloud.remove(id);
    else
        done = scene_.cloud.set_enabled(id, call == "enable");
    if (fate != Fate::Answered) return std::unexpected(error_of(fate, true));
    arrived(call, fate);
    return done;
}

core::Result<std::string> Connection::prove(const core::Secret& key) {
    const Fate fate = send("prove");
    if (fate != Fate::Answered) return std::unexpected(error_of(fate, false));
    const bool accepted = scene_.cloud.prove(key.reveal());
    arrived("prove", fate);
    if (!accepted) return fail(ErrorKind::Unauthenticated, "not accepted");
    return scene_.cloud.owner;
}

}  // namespace devkey::sim
