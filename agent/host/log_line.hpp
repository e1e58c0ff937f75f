// An event as one line. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/time.hpp"
#include "ports/reporter.hpp"

namespace devkey::host {

/// `name: message (field=value, …)`, escaped, without an end: what a server said can't forge a line.
[[nodiscard]] std::string text_of(const ports::Event& event);

/// `{"time":…,"severity":…,"event":…,"message":…,"fields":{…}}` without an end; all values are texts. Bytes
/// that aren't UTF-8 become U+FFFD: a reader of JSON would refuse them.
[[nodiscard]] std::string json_of(const ports::Event& event, core::Instant at);

/// `info`, `notice`, `warning`, `error`.
[[nodiscard]] std::string_view name_of(ports::Severity severity);

/// As syslog(3) counts them: 6, 5, 4, 3.
[[nodiscard]] char priority_of(ports::Severity severity);

}  // namespace devkey::host
