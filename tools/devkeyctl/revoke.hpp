// Takes the keys of a device away at the service, as its owner: for a device that is lost, or out of reach.
#pragma once

#include <string>

#include "devkeyctl/verbs.hpp"
#include "ports/key_service.hpp"

namespace devkey::ctl {

struct Revocation {
    std::string device{};    ///< its id, as in its settings
    std::string settings{};  ///< a devkeyd.yaml that names the owner, and the prefix of the keys' names
    bool disable = false;    ///< and don't delete
};

/// Every key that the owner has for this device, of whichever installation; all others stay. Asks no daemon.
/// Answers the exit code.
[[nodiscard]] int revoke(const Terminal& terminal, const Revocation& revocation);

/// The same at this service, for keys whose names begin with `prefix`.
[[nodiscard]] int revoke_at(const Terminal& terminal, ports::KeyService& service, const std::string& prefix,
                            const Revocation& revocation);

}  // namespace devkey::ctl
