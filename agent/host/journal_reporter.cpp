#include "host/journal_reporter.hpp"

#define SD_JOURNAL_SUPPRESS_LOCATION  // where in our source it came from tells a person nothing
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <string_view>

#include "core/decision.hpp"
#include "core/text.hpp"
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

bool has_field(const ports::Event& event, std::string_view name) {
    return std::ranges::any_of(event.fields, [name](const auto& field) { return field.first == name; });
}

}  // namespace

int send_to_journal(const iovec* parts, int count) {
    if (::access("/run/systemd/journal/socket", W_OK) != 0) return -errno;
    return sd_journal_sendv(parts, count);
}

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

void JournalReporter::report(const ports::Event& event) noexcept {
    try {
        auto entry = journal_entry(event);
        std::vector<iovec> parts;
        for (auto& part : entry) parts.push_back({.iov_base = part.data(), .iov_len = part.size()});
        if (send_(parts.data(), static_cast<int>(parts.size())) >= 0) return;
    } catch (const std::exception&) {  // no memory: the line may be shorter
    }
    otherwise_.report(event);
}

}  // namespace devkey::host
