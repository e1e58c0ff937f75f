#include "control/credential_asking.hpp"

#include <algorithm>

#include "core/unit_name.hpp"

namespace devkey::control {
namespace {

constexpr std::string_view separator = "/unit/";
constexpr std::size_t longest_credential = 255;  // of systemd's FDNAME_MAX

bool is_random(std::string_view text) {
    return !text.empty() && text.size() <= 16 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_credential_name(std::string_view text) {
    return !text.empty() && text.size() <= longest_credential &&
           std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '/'; });
}

}  // namespace

std::optional<CredentialAsking> parse_asking(std::string_view address) {
    if (!address.starts_with('\0')) return std::nullopt;
    address.remove_prefix(1);
    const auto begin = address.find(separator);
    const auto end = address.rfind('/');
    if (begin == std::string_view::npos || end < begin + separator.size()) return std::nullopt;
    const auto unit = address.substr(begin + separator.size(), end - begin - separator.size());
    const auto credential = address.substr(end + 1);
    if (!is_random(address.substr(0, begin)) || !core::is_unit_name(unit) || !is_credential_name(credential))
        return std::nullopt;
    return CredentialAsking{.unit = std::string(unit), .credential = std::string(credential)};
}

std::string_view refusal_of(std::uint32_t uid, const std::optional<CredentialAsking>& asking,
                            const std::vector<std::string>& units) {
    if (uid != 0) return "only root may ask, as systemd does";
    if (!asking) return "it isn't systemd that asks: it names the unit that it starts";
    const auto is_listed = [&](std::string_view name) {
        return std::ranges::find(units, name) != units.end();
    };
    if (is_listed(asking->unit) || is_listed(core::template_of(asking->unit))) return "";
    return "credential_socket.units doesn't list the unit";
}

}  // namespace devkey::control
