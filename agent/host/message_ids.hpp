// The journal's ids for kinds of events that a person would want to look up (journalctl -x):
// systemd/devkeyd.catalog has a text for each.
#pragma once

#include <span>
#include <string_view>

namespace devkey::host {

struct MessageId {
    std::string_view event;  ///< its name
    std::string_view id;     ///< 128 bits, in lower-case hex
};

[[nodiscard]] std::span<const MessageId> message_ids();

/// Empty: nobody would look that kind up.
[[nodiscard]] std::string_view message_id_of(std::string_view event);

}  // namespace devkey::host
