// Who asks on the credential socket, and whether they may have the key. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace devkey::control {

/// What systemd says with the address from which it asks.
struct CredentialAsking {
    std::string unit;        ///< the one that it starts
    std::string credential;  ///< what LoadCredential= names it there

    bool operator==(const CredentialAsking&) const = default;
};

/// Reads the name that systemd binds its end of the connection to (systemd.exec(5), LoadCredential=): a NUL,
/// for it is an abstract one, then `RANDOM/unit/UNIT/CREDENTIAL`, RANDOM in hexadecimal digits. None: any
/// other. Whoever is root can have such a name, too.
[[nodiscard]] std::optional<CredentialAsking> parse_asking(std::string_view address);

/// Why they may not have the key; empty: they may. `units` are names of units, and of templates for all their
/// instances. `asking` is none where it isn't systemd's.
[[nodiscard]] std::string_view refusal_of(std::uint32_t uid, const std::optional<CredentialAsking>& asking,
                                          const std::vector<std::string>& units);

}  // namespace devkey::control
