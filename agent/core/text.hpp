// What in a text steers a terminal or forges a line of a log.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace devkey::core {

/// How many bytes the control character that `text` begins with takes: 1 for those of ASCII, 2 for U+0080 to
/// U+009F in UTF-8, which terminals obey as well; 0: it begins with none.
[[nodiscard]] std::size_t control_character_at(std::string_view text);

[[nodiscard]] bool has_control_character(std::string_view text);

/// Each byte of a control character becomes `\xNN`.
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace devkey::core
