// What the fuzz targets share: properties, values made of the fuzzer's bytes, and a folder for files.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/time.hpp"

namespace devkey::fuzz {

/// A property that doesn't hold ends the program: the fuzzer keeps the input.
inline void require(bool holds, const char* property) {
    if (holds) return;
    std::fprintf(stderr, "property broken: %s\n", property);
    std::abort();
}

/// One line of a length that a person reads, whatever a hostile input put there: it stands in the log.
inline void require_readable(std::string_view message) {
    require(!message.empty(), "an error says something");
    require(message.size() <= 1000, "an error is short");
    for (const char c : message)
        require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "an error is one line without escapes");
}

inline void require_readable(const core::Error& error) {
    require(core::name_of(error.kind) != "unknown", "an error has a kind");
    require_readable(error.message);
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// Takes values off the front of the input; zeros and empty texts behind its end.
class Bytes {
 public:
    Bytes(const std::uint8_t* data, std::size_t size) : rest_(text_of(data, size)) {}

    std::uint8_t byte() {
        if (rest_.empty()) return 0;
        const auto first = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return first;
    }
    bool flag() { return (byte() & 1U) != 0; }
    std::uint32_t number() {
        std::uint32_t number = 0;
        for (int i = 0; i < 4; ++i) number = number << 8U | byte();
        return number;
    }
    /// Any bytes, up to a zero.
    std::string text() {
        const std::string text(rest_.substr(0, rest_.find('\0')));
        rest_.remove_prefix(std::min(rest_.size(), text.size() + 1));
        return text;
    }
    /// ASCII, control characters too, and not empty.
    std::string ascii() {
        auto ascii = text();
        for (char& c : ascii) c = static_cast<char>(c & 0x7f);
        return ascii.empty() ? "-" : ascii;
    }
    core::Instant instant() {
        return core::writable(core::Instant{core::Millis{std::int64_t{number()} * 70'001}});
    }

 private:
    std::string_view rest_;
};

/// A folder of this process's own, in memory where the machine has that.
class Folder {
 public:
    Folder() {
        std::string pattern = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
        pattern += "/devkeyd-fuzz-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
        path = pattern;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path); }

    void write(const std::string& name, std::string_view content) const {
        const auto file = path + "/" + name;
        std::ofstream(file, std::ios::binary) << content;
        std::filesystem::permissions(file, std::filesystem::perms{0600});
    }

    std::string path;
};

}  // namespace devkey::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
