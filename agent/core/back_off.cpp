#include "core/back_off.hpp"

#include <algorithm>
#include <string>

#include "core/hash.hpp"

namespace devkey::core {
namespace {

using namespace std::chrono_literals;

struct Steps {
    Millis first;
    Millis longest;
};

Steps steps_for(ErrorKind kind) {
    switch (kind) {
        // Wrong credentials: every try may count towards a lock-out, and only a person can mend them.
        case ErrorKind::Unauthenticated:
            return {5min, 6h};
        case ErrorKind::Forbidden:
        case ErrorKind::InvalidInput:
            return {5min, 6h};
        case ErrorKind::SecretUnusable:
        case ErrorKind::SecretForbidden:
        case ErrorKind::SecretDelayed:
            return {30s, 1h};
        case ErrorKind::ProviderOff:
        case ErrorKind::LimitReached:
            return {5min, 1h};
        case ErrorKind::RateLimited:
            return {30s, 1h};
        case ErrorKind::Insecure:
            return {1min, 1h};
        case ErrorKind::Io:
        case ErrorKind::Corrupt:
            return {5s, 10min};
        case ErrorKind::NotFound:
        case ErrorKind::Conflict:
        case ErrorKind::Unavailable:
        case ErrorKind::TooEarly:
        case ErrorKind::OutcomeUnknown:
            return {2s, 10min};
    }
    return {1min, 1h};
}

}  // namespace

Millis back_off(const Error& error, unsigned count, std::string_view seed, Millis longest) {
    const Steps steps = steps_for(error.kind);
    Millis wait = steps.first;
    for (unsigned step = 1; step < count && wait < steps.longest; ++step) wait *= 2;
    wait = std::min({wait, steps.longest, longest / 5 * 4});
    if (error.retry_after) wait = std::max<Millis>(wait, *error.retry_after);
    constexpr std::uint64_t shares = 1000;
    const auto share = stable_hash(std::string(seed) + "#" + std::to_string(count)) % shares;
    return wait + wait / 4 * static_cast<Millis::rep>(share) / static_cast<Millis::rep>(shares);
}

}  // namespace devkey::core
