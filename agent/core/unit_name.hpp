// Names of systemd's units. Pure.
#pragma once

#include <string>
#include <string_view>

namespace devkey::core {

/// Whether a unit that may have LoadCredential= (a service, socket, mount or swap) can have that name, as
/// systemd.unit(5) has it: at most 255 characters. Also that of a template: `program@.service`.
[[nodiscard]] bool is_unit_name(std::string_view name);

/// The template of an instance: `program@.service` of `program@1.service`; else the name as it is.
[[nodiscard]] std::string template_of(std::string_view unit);

}  // namespace devkey::core
