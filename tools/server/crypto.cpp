#include "server/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <vector>

namespace devkey::server {
namespace {

constexpr std::size_t salt_bytes = 16;
constexpr std::size_t hash_bytes = 32;

std::string to_hex(const unsigned char* bytes, std::size_t size) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (std::size_t i = 0; i < size; ++i) {
        hex += digits[bytes[i] >> 4U];
        hex += digits[bytes[i] & 15U];
    }
    return hex;
}

std::vector<unsigned char> random_bytes(std::size_t size) {
    std::vector<unsigned char> bytes(size);
    if (RAND_bytes(bytes.data(), static_cast<int>(size)) != 1)
        throw std::runtime_error("no random numbers to be had");
    return bytes;
}

std::string scrypt(const core::Secret& password, std::string_view salt) {
    // Each run takes 16 MB and a core: a crowd at the door must not take the whole machine.
    static std::counting_semaphore<> free_cores(std::max(1U, std::thread::hardware_concurrency()));
    free_cores.acquire();
    std::array<unsigned char, hash_bytes> hash{};
    const auto text = password.reveal();
    const int done =
        EVP_PBE_scrypt(text.data(), text.size(), reinterpret_cast<const unsigned char*>(salt.data()),
                       salt.size(), 1U << 14U, 8, 1, 64U << 20U, hash.data(), hash.size());
    free_cores.release();
    if (done != 1) throw std::runtime_error("scrypt failed");
    return to_hex(hash.data(), hash.size());
}

}  // namespace

std::string sha256(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("SHA-256 failed");
    return to_hex(hash.data(), size);
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned size = 0;
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data(), &size) == nullptr)
        throw std::runtime_error("HMAC failed");
    std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> encoded{};
    const int length = EVP_EncodeBlock(encoded.data(), hash.data(), static_cast<int>(size));
    std::string signature(encoded.begin(), encoded.begin() + length);
    std::ranges::replace(signature, '+', '-');
    std::ranges::replace(signature, '/', '_');
    return signature.substr(0, signature.find('='));
}

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_hex(std::size_t bytes) {
    const auto random = random_bytes(bytes);
    return to_hex(random.data(), random.size());
}

core::Secret random_key() {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    constexpr std::size_t length = 64;
    std::string key;
    while (key.size() < length)
        for (const unsigned char byte : random_bytes(length))
            // 248 = 4 × 62: a byte above would favour the first letters.
            if (byte < 248 && key.size() < length) key += alphabet[byte % alphabet.size()];
    return core::Secret::take(key);
}

std::string object_id(long long now) {
    std::array<char, 9> seconds{};
    std::snprintf(seconds.data(), seconds.size(), "%08llx",
                  static_cast<unsigned long long>(now) & 0xffffffffULL);
    return seconds.data() + random_hex(8);
}

std::string hash_password(const core::Secret& password) {
    const auto salt = random_hex(salt_bytes);
    return salt + "$" + scrypt(password, salt);
}

bool check_password(const core::Secret& password, const std::string& stored) {
    const auto dollar = stored.find('$');
    const bool known = dollar != std::string::npos;
    const auto salt = known ? stored.substr(0, dollar) : std::string(2 * salt_bytes, '0');
    const auto expected = known ? stored.substr(dollar + 1) : std::string(2 * hash_bytes, '0');
    const auto hash = scrypt(password, salt);
    return same(hash, expected) && known;
}

}  // namespace devkey::server
