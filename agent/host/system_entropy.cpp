#include "host/system_entropy.hpp"

#include <sys/random.h>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <vector>

namespace devkey::host {
namespace {

constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567";

void fill(unsigned char* data, std::size_t size) {
    while (size > 0) {
        const ssize_t got = getrandom(data, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
        data += got;
        size -= static_cast<std::size_t>(got);
    }
}

}  // namespace

std::string SystemEntropy::tag(std::size_t length) {
    std::vector<unsigned char> bytes(length);
    fill(bytes.data(), bytes.size());
    std::string text;
    text.reserve(length);
    // 32 letters: the lowest five bits of a byte choose one without a bias.
    for (const unsigned char byte : bytes) text += letters[byte % letters.size()];
    return text;
}

}  // namespace devkey::host
