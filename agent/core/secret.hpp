// A value that must not be seen: it can't be printed, and its memory is wiped.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace devkey::core {

/// Overwrites `size` bytes in a way the optimiser can't drop.
void wipe(void* data, std::size_t size) noexcept;

/// Wipes and empties a string that held a secret on its way through a library.
void wipe(std::string& text) noexcept;

/// Owns a secret value. Every copy owns and wipes its own memory; a moved-from secret is empty.
/// There is no way to print one: call `reveal()` at the single place where the value has to leave.
class Secret {
 public:
    Secret() noexcept = default;
    explicit Secret(std::string_view value);
    Secret(const Secret& other);
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret other) noexcept;
    ~Secret();

    /// Takes the value out of `source` and wipes what it held.
    [[nodiscard]] static Secret take(std::string& source);

    /// The value; valid as long as this object lives and isn't assigned to.
    [[nodiscard]] std::string_view reveal() const noexcept { return {data_.get(), size_}; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// Takes the same time wherever the values differ (their lengths may show).
    friend bool operator==(const Secret& left, const Secret& right) noexcept;

    template <class Stream>
    friend Stream& operator<<(Stream&, const Secret&) = delete;

 private:
    std::unique_ptr<char[]> data_;
    std::size_t size_ = 0;
};

}  // namespace devkey::core
