#include "server/throttle.hpp"

#include <algorithm>

namespace devkey::server {
namespace {

constexpr int free_per_account = 5;
constexpr int free_per_address = 50;  // a site's devices may share one
constexpr long long longest_wait = 300;
constexpr long long forgotten_after = 3600;
constexpr std::size_t most_entries = 10000;

}  // namespace

long long Throttle::wait(const std::string& account, const std::string& address, long long now) {
    const std::lock_guard lock(mutex_);
    long long until = 0;
    for (const auto& who : {"account " + account, "address " + address})
        if (const auto found = failures_.find(who); found != failures_.end())
            until = std::max(until, found->second.until);
    return std::max(0LL, until - now);
}

void Throttle::failed(const std::string& account, const std::string& address, long long now) {
    const std::lock_guard lock(mutex_);
    std::erase_if(failures_, [&](const auto& entry) { return entry.second.last + forgotten_after < now; });
    // Whoever makes up accounts must not fill our memory: past this only known ones are counted.
    note("account " + account, free_per_account, now);
    note("address " + address, free_per_address, now);
}

void Throttle::note(const std::string& who, int free, long long now) {
    if (failures_.size() >= most_entries && !failures_.contains(who)) return;
    auto& entry = failures_[who];
    entry.last = now;
    if (++entry.count < free) return;
    entry.until = now + std::min(longest_wait, 1LL << std::min(entry.count - free, 20));
}

void Throttle::succeeded(const std::string& account) {
    const std::lock_guard lock(mutex_);
    failures_.erase("account " + account);
}

}  // namespace devkey::server
