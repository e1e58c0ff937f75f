#include "e2e/kill_record.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <sstream>
#include <stdexcept>

namespace devkey::e2e {
namespace {

constexpr std::string_view device_mark = "{device}";

bool is_digit(char letter) {
    return std::isdigit(static_cast<unsigned char>(letter)) != 0;
}

std::string named(std::string path, const std::string& device) {
    if (path.starts_with("socket:")) return "socket";
    if (path.starts_with(device)) path.replace(0, device.size(), device_mark);
    return path;
}

/// The end of the quoted string that begins at `from`.
std::size_t end_of_quotes(std::string_view text, std::size_t from) {
    std::size_t at = from + 1;
    while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2U : 1U;
    return std::min(at, text.size());
}

/// A descriptor's path stands in angle brackets behind its number; AT_FDCWD's doesn't count for -P. Quotes
/// inside a structure or a function's brackets are no paths.
std::vector<std::string> paths_in(std::string_view arguments, const std::string& device) {
    std::vector<std::string> paths;
    int depth = 0;
    for (std::size_t at = 0; at < arguments.size(); ++at) {
        const char letter = arguments[at];
        if (letter == '{' || letter == '(' || letter == '[') ++depth;
        if (letter == '}' || letter == ')' || letter == ']') --depth;
        const bool descriptor = letter == '<' && at > 0 && is_digit(arguments[at - 1]);
        if (letter != '"' && !descriptor) continue;
        const auto end =
            descriptor ? std::min(arguments.find('>', at), arguments.size()) : end_of_quotes(arguments, at);
        const auto path = arguments.substr(at + 1, end - at - 1);
        if (depth == 0 && !path.empty()) paths.push_back(named(std::string(path), device));
        at = end;
    }
    return paths;
}

/// `name(arguments) = result` or `name(arguments <unfinished ...>`.
Call parse_call(int thread, std::string_view text) {
    const auto open = text.find('(');
    const auto unfinished = text.rfind(" <unfinished ...>");
    auto close = unfinished;
    std::string result;
    if (unfinished == std::string_view::npos) {
        const auto equals = text.rfind(" = ");
        if (equals == std::string_view::npos)
            throw std::runtime_error("strace wrote a line that isn't understood: " + std::string(text));
        result = text.substr(equals + 3);
        close = text.rfind(')', equals);
    }
    return {.thread = thread,
            .name = std::string(text.substr(0, open)),
            .arguments = std::string(text.substr(open + 1, close - open - 1)),
            .result = result == "?" ? "" : result,
            .paths = {}};
}

}  // namespace

bool Call::is_about_the_world() const {
    if (result.starts_with("-1 ENOTSOCK")) return false;  // how aimable.cpp finds out what isn't a socket
    return std::ranges::any_of(
        paths, [](const auto& path) { return path == "socket" || path.starts_with(device_mark); });
}

bool Call::changes_the_world() const {
    static constexpr std::array looks{"read",       "close", "newfstatat", "fstat",     "fcntl",
                                      "getsockopt", "lseek", "epoll_ctl",  "setsockopt"};
    const bool failed = result.starts_with("-1 ") && !result.contains("EINPROGRESS");
    if (!is_about_the_world() || failed || std::ranges::find(looks, name) != looks.end()) return false;
    return name != "openat" || arguments.contains("O_CREAT") || arguments.contains("O_TRUNC");
}

std::string Call::what() const {
    std::string text = name;
    for (const auto& path : paths) text += ' ' + path;
    return text;
}

std::string path_on(std::string path, const std::string& device) {
    if (path.starts_with(device_mark)) path.replace(0, device_mark.size(), device);
    return path;
}

std::vector<Call> parse_record(std::string_view text, const std::string& device) {
    std::vector<Call> calls;
    std::map<int, std::size_t> unfinished;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        int thread = 0;
        const auto* number_end = std::from_chars(line.data(), line.data() + line.size(), thread).ptr;
        std::string_view rest{number_end, line.data() + line.size()};
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        if (rest.starts_with("<... ")) {
            const auto result = std::string(rest.substr(rest.rfind(" = ") + 3));
            if (unfinished.contains(thread) && result != "?") calls[unfinished[thread]].result = result;
        } else if (!rest.empty() && (std::isalpha(static_cast<unsigned char>(rest[0])) != 0) &&
                   rest.contains('(')) {
            unfinished[thread] = calls.size();
            calls.push_back(parse_call(thread, rest));
            calls.back().paths = paths_in(calls.back().arguments, device);
        }
    }
    return calls;
}

}  // namespace devkey::e2e
