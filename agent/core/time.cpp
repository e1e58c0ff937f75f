#include "core/time.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace devkey::core {
namespace {

struct Unit {
    std::string_view suffix;
    Millis length;
};

constexpr std::array units{
    Unit{"d", std::chrono::days{1}},
    Unit{"h", std::chrono::hours{1}},
    Unit{"m", std::chrono::minutes{1}},
    Unit{"s", std::chrono::seconds{1}},
    Unit{"ms", Millis{1}},
};
constexpr Millis longest_duration = std::chrono::days{36525};

std::unexpected<Error> bad_duration(std::string_view text) {
    return fail(
        ErrorKind::InvalidInput,
        "'" + std::string(text) + "' is not a duration; write it like 30d, 12h, 15m, 10s, 500ms or 1h30m");
}

/// Takes the leading digits off `text`.
std::optional<long long> take_number(std::string_view& text) {
    long long number = 0;
    const char* begin = text.data();
    if (text.empty() || *begin < '0' || *begin > '9') return std::nullopt;
    const auto [end, error] = std::from_chars(begin, begin + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - begin));
    return number;
}

/// Takes the leading letters off `text`: a unit further down the list than `next`, which it moves.
const Unit* take_unit(std::string_view& text, std::size_t& next) {
    const auto length = text.find_first_of("0123456789");
    const auto suffix = text.substr(0, length);
    for (; next < units.size(); ++next) {
        if (units[next].suffix != suffix) continue;
        text.remove_prefix(suffix.size());
        return &units[next++];
    }
    return nullptr;
}

/// A field of exactly `digits` digits at `at`, within [low, high].
std::optional<int> digits_at(std::string_view text, std::size_t at, std::size_t digits, int low, int high) {
    if (at + digits > text.size()) return std::nullopt;
    int number = 0;
    for (const char c : text.substr(at, digits)) {
        if (c < '0' || c > '9') return std::nullopt;
        number = number * 10 + (c - '0');
    }
    if (number < low || number > high) return std::nullopt;
    return number;
}

}  // namespace

Result<Millis> parse_duration(std::string_view text) {
    Millis sum{0};
    std::string_view rest = text;
    std::size_t next = 0;
    do {
        const auto number = take_number(rest);
        if (!number) return bad_duration(text);
        const Unit* unit = take_unit(rest, next);
        if (unit == nullptr) return bad_duration(text);
        if (*number > longest_duration / unit->length) return bad_duration(text);
        sum += *number * unit->length;
    } while (!rest.empty());
    if (sum > longest_duration) return bad_duration(text);
    return sum;
}

std::string format_duration(Millis duration) {
    std::string text;
    for (const Unit& unit : units) {
        if (duration < unit.length) continue;
        text += std::to_string(duration / unit.length);
        text += unit.suffix;
        duration %= unit.length;
    }
    return text.empty() ? "0s" : text;
}

std::string format_instant(Instant instant) {
    const auto day = std::chrono::floor<std::chrono::days>(instant);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{instant - day};
    std::array<char, 64> text{};
    const int length = std::snprintf(
        text.data(), text.size(), "%04d-%02u-%02uT%02lld:%02lld:%02lld.%03lldZ",
        static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        static_cast<long long>(time.hours().count()), static_cast<long long>(time.minutes().count()),
        static_cast<long long>(time.seconds().count()), static_cast<long long>(time.subseconds().count()));
    return {text.data(), length < 0 ? 0 : static_cast<std::size_t>(length)};
}

Instant writable(Instant instant) {
    using namespace std::chrono_literals;
    const Instant end = std::chrono::sys_days{10000y / 1 / 1} - Millis{1};
    return std::clamp(instant, Instant{}, end);
}

Result<Instant> parse_instant(std::string_view text) {
    const auto bad = [&] {
        return fail(ErrorKind::Corrupt,
                    "'" + std::string(text) + "' is not a time; expected one like 2026-01-02T03:04:05.678Z");
    };
    const bool has_millis = text.size() == 24;
    if (!has_millis && text.size() != 20) return bad();
    if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
        return bad();
    if (text.back() != 'Z' || (has_millis && text[19] != '.')) return bad();
    const auto year = digits_at(text, 0, 4, 1970, 9999);
    const auto month = digits_at(text, 5, 2, 1, 12);
    const auto day = digits_at(text, 8, 2, 1, 31);
    const auto hour = digits_at(text, 11, 2, 0, 23);
    const auto minute = digits_at(text, 14, 2, 0, 59);
    const auto second = digits_at(text, 17, 2, 0, 59);
    const auto millis = has_millis ? digits_at(text, 20, 3, 0, 999) : 0;
    if (!year || !month || !day || !hour || !minute || !second || !millis) return bad();
    const std::chrono::year_month_day date{std::chrono::year{*year},
                                           std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok()) return bad();
    return Instant{std::chrono::sys_days{date}} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
           std::chrono::seconds{*second} + Millis{*millis};
}

}  // namespace devkey::core
