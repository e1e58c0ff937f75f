#include "core/clock_trust.hpp"

namespace devkey::core {

TrustedTime trusted_time(const ClockReading& clock, const std::optional<ServerDate>& server, Instant floor) {
    if (server) return {server->date + (clock.boot - server->came), ClockTrust::Server};
    if (clock.wall < floor) return {floor + clock.running, ClockTrust::None};
    return {clock.wall, clock.synchronised ? ClockTrust::Synchronised : ClockTrust::Floor};
}

}  // namespace devkey::core
