#include "services/fingerprint.hpp"

#include <openssl/sha.h>

#include <array>
#include <cstdio>

namespace devkey::services {

std::string fingerprint(const core::Secret& secret) {
    const auto value = secret.reveal();
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(value.data()), value.size(), digest.data());
    std::string text = "sha256:";
    for (std::size_t i = 0; i < 8; ++i) {
        std::array<char, 3> digits{};
        std::snprintf(digits.data(), digits.size(), "%02x", digest.at(i));
        text += digits.data();
    }
    return text;
}

}  // namespace devkey::services
