#include "host/journal_reporter.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <string_view>

#include "core/decision.hpp"
#include "core/text.hpp"
#include "host/datagram.hpp"
#include "host/log_line.hpp"
#include "host/message_ids.hpp"

namespace devkey::host {
namespace {

constexpr std::size_t longest_name = 64;  // what the journal takes

/// `key_id`: `DEVKEY_KEY_ID`. Empty: no name of ours, or one that the journal wouldn't take.
std::string field_of(std::string_view name) {
    std::string field = "DEVKEY_";
    for (const char c : name) {
        const bool lower = c >= 'a' && c <= 'z';
        if (!lower && !(c >= '0' && c <= '9') && c != '_') return {};
        field += lower ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return name.empty() || field.size() > longest_name ? std::string{} : field;
}

bool is_reason(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(core::Reason::Decommissioned); ++i)
        if (core::name_of(static_cast<core::Reason>(i)) == name) return true;
    return false;
}

std::string little_endian(std::uint64_t number) {
    std::string bytes;
    for (unsigned shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(number >> shift & 0xffU);
    return bytes;
}

bool has_field(const ports::Event& event, std::string_view name) {
    return std::ranges::any_of(event.fields, [name](const auto& field) { return field.first == name; });
}

}  // namespace

std::vector<std::string> journal_entry(const ports::Event& event) {
    std::vector<std::string> entry{"MESSAGE=" + text_of(event),
                                   std::string("PRIORITY=") + priority_of(event.severity),
                                   "SYSLOG_IDENTIFIER=devkeyd", "DEVKEY_EVENT=" + core::escaped(event.name)};
    if (const auto id = message_id_of(event.name); !id.empty())
        entry.push_back("MESSAGE_ID=" + std::string(id));
    if (is_reason(event.name) && !has_field(event, "reason"))
        entry.push_back("DEVKEY_REASON=" + std::string(event.name));
    for (const auto& [name, value] : event.fields)
        if (const auto field = field_of(name); !field.empty())
            entry.push_back(field + "=" + core::escaped(value));
    return entry;
}

std::string journal_datagram(const std::vector<std::string>& entry) {
    std::string datagram;
    for (const std::string_view part : entry) {
        const auto name = part.substr(0, part.find('='));
        const auto value = part.substr(name.size() + 1);
        if (value.contains('\n'))
            datagram.append(name).append("\n").append(little_endian(value.size())).append(value);
        else
            datagram.append(part);
        datagram += '\n';
    }
    return datagram;
}

void JournalReporter::report(const ports::Event& event) noexcept {
    try {
        if (send_datagram(socket_, journal_datagram(journal_entry(event))) == 0) return;
    } catch (const std::exception&) {  // no memory: the line may be shorter
    }
    otherwise_.report(event);
}

}  // namespace devkey::host
