#include "core/secret.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace devkey::core {

void wipe(void* data, std::size_t size) noexcept {
    // Called by a pointer that might point elsewhere: the compiler can't leave it out.
    static void* (*const volatile fill)(void*, int, std::size_t) = std::memset;
    if (size > 0) fill(data, 0, size);
}

void wipe(std::string& text) noexcept {
    text.resize(text.capacity());  // what an earlier, longer value left behind goes too
    wipe(text.data(), text.size());
    text.clear();
}

Secret::Secret(std::string_view value)
    : data_(value.empty() ? nullptr : std::make_unique<char[]>(value.size())), size_(value.size()) {
    std::copy(value.begin(), value.end(), data_.get());
}

Secret::Secret(const Secret& other) : Secret(other.reveal()) {}

Secret::Secret(Secret&& other) noexcept
    : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

Secret::~Secret() {
    if (data_) wipe(data_.get(), size_);
}

Secret Secret::take(std::string& source) {
    Secret secret{source};
    wipe(source);
    return secret;
}

bool operator==(const Secret& left, const Secret& right) noexcept {
    if (left.size_ != right.size_) return false;
    unsigned char difference = 0;
    for (std::size_t i = 0; i < left.size_; ++i)
        difference = static_cast<unsigned char>(difference | (left.data_[i] ^ right.data_[i]));
    return difference == 0;
}

}  // namespace devkey::core
