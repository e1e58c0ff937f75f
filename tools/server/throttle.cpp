#include "server/throttle.hpp"

#include <algorithm>

namespace devkey::server {

const Throttle::Allowance Throttle::per_account{.failures = 5, .seconds = 60};
const Throttle::Allowance Throttle::per_address{.failures = 50, .seconds = 10};

/// What is forgotten takes no memory: as failures end in a minute each, so does what a crowd of made-up
/// accounts fills.
void Throttle::forget(Counts& counts, const Allowance& allowance, long long now) {
    for (auto& [who, count] : counts) {
        count.since = std::min(count.since, now);  // a clock set back must not lock anyone out
        const auto forgotten = std::min<long long>(count.failures, (now - count.since) / allowance.seconds);
        count.failures -= static_cast<int>(forgotten);
        count.since += forgotten * allowance.seconds;
    }
    std::erase_if(
        counts, [](const auto& entry) { return entry.second.failures == 0 && entry.second.under_way == 0; });
}

long long Throttle::wait(const Counts& counts, const std::string& who, const Allowance& allowance,
                         long long now) {
    const auto found = counts.find(who);
    if (found == counts.end() || found->second.failures < allowance.failures) return 0;
    return found->second.since + allowance.seconds - now;
}

bool Throttle::has_room(const Counts& counts, const std::string& who, const Allowance& allowance) {
    const auto found = counts.find(who);
    return found == counts.end() || found->second.failures + found->second.under_way < allowance.failures;
}

void Throttle::begin(Counts& counts, const std::string& who, long long now) {
    auto& count = counts[who];
    if (count.failures == 0) count.since = now;
    ++count.under_way;
}

Throttle::Attempt::Attempt(Throttle& throttle, const std::string& account, const std::string& address,
                           long long now)
    : throttle_(throttle), account_(account), address_(address) {
    std::unique_lock lock(throttle_.mutex_);
    forget(throttle_.accounts_, per_account, now);
    forget(throttle_.addresses_, per_address, now);
    throttle_.ended_.wait(lock, [&] {
        wait_ = std::max(Throttle::wait(throttle_.accounts_, account_, per_account, now),
                         Throttle::wait(throttle_.addresses_, address_, per_address, now));
        return wait_ > 0 || (has_room(throttle_.accounts_, account_, per_account) &&
                             has_room(throttle_.addresses_, address_, per_address));
    });
    if (wait_ > 0) return;
    if (!account_.empty()) begin(throttle_.accounts_, account_, now);
    begin(throttle_.addresses_, address_, now);
}

Throttle::Attempt::~Attempt() {
    if (wait_ > 0) return;
    const std::lock_guard lock(throttle_.mutex_);
    if (!account_.empty()) --throttle_.accounts_[account_].under_way;
    --throttle_.addresses_[address_].under_way;
    throttle_.ended_.notify_all();
}

void Throttle::Attempt::failed() {
    const std::lock_guard lock(throttle_.mutex_);
    if (!account_.empty()) ++throttle_.accounts_[account_].failures;
    ++throttle_.addresses_[address_].failures;
}

void Throttle::Attempt::succeeded() {
    const std::lock_guard lock(throttle_.mutex_);
    if (!account_.empty()) throttle_.accounts_[account_].failures = 0;
}

}  // namespace devkey::server
