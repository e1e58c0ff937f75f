// Hashes, random values and passwords.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/secret.hpp"

namespace devkey::server {

/// SHA-256 in hex. Right for keys and tokens, which are random and long: nothing can be guessed, so nothing
/// slow is needed.
[[nodiscard]] std::string sha256(std::string_view text);

/// HMAC with SHA-256, in base64url without padding: the signature of an HS256 JSON Web Token.
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view text);

/// In constant time, but for the lengths.
[[nodiscard]] bool same(std::string_view a, std::string_view b);

/// `bytes` random bytes in hex, from OpenSSL's generator.
[[nodiscard]] std::string random_hex(std::size_t bytes);

/// A key's value: 64 characters of [A-Za-z0-9], as the hosted service's were.
[[nodiscard]] core::Secret random_key();

/// An id of 24 hex digits, the first eight of which are `now` (seconds since 1970), as in an ObjectId.
[[nodiscard]] std::string object_id(long long now);

/// scrypt (N=2^14, r=8, p=1; 16 MB) with a salt of its own, as `salt$hash` in hex. As many run at once as
/// there are cores.
[[nodiscard]] std::string hash_password(const core::Secret& password);
/// In constant time; takes as long for a `stored` that is empty, so that unknown users can't be told by the
/// clock.
[[nodiscard]] bool check_password(const core::Secret& password, const std::string& stored);

}  // namespace devkey::server
