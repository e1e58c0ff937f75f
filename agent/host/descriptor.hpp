// A file descriptor with one owner.
#pragma once

#include <unistd.h>

#include <utility>

namespace devkey::host {

/// Closes its descriptor; a negative one is none.
class Descriptor {
 public:
    explicit Descriptor(int number = -1) noexcept : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }

    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] explicit operator bool() const noexcept { return number_ >= 0; }

 private:
    int number_;
};

}  // namespace devkey::host
