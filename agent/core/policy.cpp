#include "core/policy.hpp"

#include <algorithm>
#include <string>

namespace devkey::core {
namespace {

/// Collects what is wrong.
class Judge {
 public:
    void refuse_if(bool wrong, std::string_view setting, std::string message) {
        if (wrong) problems_.push_back({setting, std::move(message)});
    }
    [[nodiscard]] std::vector<PolicyProblem> take() { return std::move(problems_); }

 private:
    std::vector<PolicyProblem> problems_;
};

void judge_rotation(const Policy& policy, Judge& judge) {
    const auto& rotate = policy.rotate;
    judge.refuse_if(!rotate.after && !rotate.windows.empty(), "rotate.windows",
                    "mean nothing where rotate.after is never: set rotate.after, or leave them out");
    if (!rotate.after) return;
    const Millis earliest = earliest_rotation(rotate);
    judge.refuse_if(policy.superseded.keep_enabled >= earliest, "superseded.keep_enabled",
                    "is not shorter than the time between two rotations, which may be " +
                        format_duration(earliest) +
                        " (rotate.after less its jitter): old keys would pile up until the owner's quota is "
                        "full; shorten it or rotate less often");
    const Millis wait = longest_wait(rotate.windows);
    judge.refuse_if(wait > *rotate.after, "rotate.windows",
                    "are up to " + format_duration(wait) + " apart, longer than rotate.after (" +
                        format_duration(*rotate.after) +
                        "): rotations would be skipped; add windows or rotate less often");
    judge.refuse_if(policy.verify_patience >= earliest, "verify.patience",
                    "is not shorter than the time between two rotations (" + format_duration(earliest) + ")");
}

/// How many keys one device may have at the service at once: the current one, and those that were superseded
/// and aren't removed yet. While a new one is made, the oldest has just gone or is about to.
Millis::rep most_keys(const Policy& policy) {
    const bool disables = policy.superseded.then == SupersededPolicy::Then::Disable;
    const Millis stays =
        policy.superseded.keep_enabled + (disables ? policy.superseded.delete_after : Millis{0});
    const Millis earliest = earliest_rotation(policy.rotate);
    return 1 + std::max<Millis::rep>(1, (stays + earliest - Millis{1}) / earliest);
}

void judge_quota(const Policy& policy, const Capabilities& service, Judge& judge) {
    constexpr Millis::rep kept_free = 2;  // with fewer, disabled keys go at once: delete_after means nothing
    constexpr Millis::rep at_least = 2;   // a rotation needs them whatever is set
    if (!policy.rotate.after || service.keys_per_owner == 0) return;
    const auto keys = most_keys(policy);
    const auto limit = static_cast<Millis::rep>(service.keys_per_owner);
    judge.refuse_if(keys > at_least && keys + kept_free > limit, "superseded.delete_after",
                    "is so long that this device alone would have up to " + std::to_string(keys) +
                        " keys at once (rotations may come every " +
                        format_duration(earliest_rotation(policy.rotate)) + "), and its owner has room for " +
                        std::to_string(limit) +
                        ", of which two are kept free: shorten it or rotate less often");
}

/// What somebody else does is only noticed by who looks.
void judge_looks(const Policy& policy, Judge& judge) {
    const bool looks = policy.watchdog.key_login || policy.watchdog.key_listed;
    const auto& answer = policy.outside_changes;
    const bool answers = answer.disabled != OutsideChangesPolicy::Disabled::Hold ||
                         answer.deleted != OutsideChangesPolicy::Deleted::Hold;
    judge.refuse_if(answers && !looks, "outside_changes",
                    "is never noticed where key_login and key_listed are never: set one of them");
    const bool lists = policy.watchdog.key_listed || policy.rotate.after;  // a rotation begins with a list
    const bool lets_go = policy.other_installations.action != OtherInstallationsPolicy::Action::Report;
    judge.refuse_if(lets_go && !lists, "other_installations.action",
                    "needs a look at the owner's keys, and key_listed and rotate.after are never: set one of "
                    "them, or report");
}

void judge_capabilities(const Policy& policy, const Capabilities& service, Judge& judge) {
    if (service.can_disable) return;
    constexpr const char* why = "this service can't disable a key: use delete";
    constexpr const char* no_enable = "this service can't enable a key: use hold or replace";
    judge.refuse_if(policy.superseded.then == SupersededPolicy::Then::Disable, "superseded.then", why);
    judge.refuse_if(policy.other_installations.action == OtherInstallationsPolicy::Action::Disable,
                    "other_installations.action", why);
    judge.refuse_if(policy.decommission == Policy::Decommission::Disable, "decommission", why);
    const auto& heartbeat = policy.watchdog.heartbeat;
    judge.refuse_if(heartbeat && heartbeat->then == HeartbeatPolicy::Then::Disable, "watchdog.heartbeat.then",
                    "this service can't disable a key: use rotate or alert");
    judge.refuse_if(policy.outside_changes.disabled == OutsideChangesPolicy::Disabled::Enable,
                    "outside_changes.disabled", no_enable);
}

}  // namespace

Millis earliest_rotation(const RotatePolicy& rotate) {
    const Millis after = rotate.after.value_or(Millis{0});
    return after - after / 100 * rotate.jitter_percent;
}

Millis quota_look(const RotatePolicy& rotate) {
    using namespace std::chrono_literals;
    return std::clamp<Millis>(rotate.after.value_or(std::chrono::days{30}) / 240, 1s, 1h);
}

std::vector<PolicyProblem> problems_of(const Policy& policy, const Capabilities& service) {
    Judge judge;
    judge_rotation(policy, judge);
    judge_quota(policy, service, judge);
    judge_looks(policy, judge);
    judge_capabilities(policy, service, judge);
    return judge.take();
}

}  // namespace devkey::core
