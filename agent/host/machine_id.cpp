#include "host/machine_id.hpp"

// The parts that need nothing set up. HMAC(), which OpenSSL has rather, sets all of it up: 5.5 million
// instructions and 0.8 MB in each start, also in one that has nothing to ask of the service.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

#include "host/descriptor.hpp"
#include "host/system_error.hpp"

namespace devkey::host {
namespace {

using core::Result;
using Id = std::array<unsigned char, 16>;
using Hash = std::array<unsigned char, SHA256_DIGEST_LENGTH>;
using Bytes = std::span<const unsigned char>;

constexpr std::size_t digits = 2 * std::tuple_size_v<Id>;

std::string unusable(const std::string& file) {
    return file + " can't be used (systemd-machine-id-setup makes one)";
}

/// All zeros is none, too: so says machine-id(5).
std::optional<Id> parse_id(std::string_view text) {
    Id id{};
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.size() != digits) return std::nullopt;
    for (std::size_t i = 0; i < id.size(); ++i) {
        const char* const end = text.data() + 2 * i + 2;
        if (std::from_chars(end - 2, end, id[i], 16).ptr != end) return std::nullopt;
    }
    return id == Id{} ? std::nullopt : std::optional{id};
}

// Without read_file's look at who might change it: in a container, the host's may be lent to it.
Result<Id> read_id(const std::string& file) {
    const Descriptor descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (!descriptor) return system_error(unusable(file), errno);
    std::array<char, digits + 2> text{};  // a line end, and what doesn't belong there
    const ssize_t size = ::read(descriptor.get(), text.data(), text.size());
    if (size < 0) return system_error(unusable(file), errno);
    if (const auto id = parse_id({text.data(), static_cast<std::size_t>(size)})) return *id;
    return core::fail(core::ErrorKind::Io, unusable(file) + ": it holds no 32 hexadecimal digits");
}

Hash sha256(Bytes first, Bytes second) {
    SHA256_CTX context;
    Hash hash{};
    SHA256_Init(&context);
    SHA256_Update(&context, first.data(), first.size());
    SHA256_Update(&context, second.data(), second.size());
    SHA256_Final(hash.data(), &context);
    return hash;
}

// RFC 2104, for a key that is shorter than a block.
Hash hmac_sha256(const Id& key, Bytes text) {
    std::array<unsigned char, SHA256_CBLOCK> inner{};
    std::array<unsigned char, SHA256_CBLOCK> outer{};
    std::ranges::copy(key, inner.begin());
    std::ranges::copy(key, outer.begin());
    for (auto& byte : inner) byte ^= 0x36U;
    for (auto& byte : outer) byte ^= 0x5cU;
    return sha256(outer, sha256(inner, text));
}

}  // namespace

Result<std::string> hashed_machine_id(const ApplicationId& application, const std::string& file) {
    const auto machine = read_id(file);
    if (!machine) return std::unexpected(machine.error());
    Id id{};
    std::ranges::copy_n(hmac_sha256(*machine, application).begin(), id.size(), id.begin());
    id[6] = static_cast<unsigned char>((id[6] & 0x0fU) | 0x40U);  // version 4
    id[8] = static_cast<unsigned char>((id[8] & 0x3fU) | 0x80U);  // RFC 4122's variant
    return fmt::format("{:02x}", fmt::join(id, ""));
}

}  // namespace devkey::host
