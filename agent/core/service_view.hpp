// What a key service can do, and what it lists.
#pragma once

#include <cstddef>
#include <string>

#include "core/time.hpp"

namespace devkey::core {

/// What a key service can do. Rules ask these, never a service's name.
struct Capabilities {
    bool can_disable = true;
    bool unique_names = true;         ///< a second key of one name is refused with Conflict
    std::size_t longest_name = 64;    ///< of a key, in characters
    std::size_t keys_per_owner = 20;  ///< 0: no limit known
    Millis read_lag{};                ///< how long a read may miss a finished write
    Millis late_landing{};  ///< how long after its sending an unanswered create may still take effect
};

/// A key as the service lists it; never its secret.
struct ListedKey {
    std::string id;
    std::string name;
    bool enabled = true;

    bool operator==(const ListedKey&) const = default;
};

}  // namespace devkey::core
