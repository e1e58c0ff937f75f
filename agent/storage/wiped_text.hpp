// A text that a secret is written into, and that leaves no copy behind.
#pragma once

#include <algorithm>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>

#include "core/secret.hpp"

namespace devkey::storage {

/// What `out()` is given; what the text outgrows is wiped, and so is the text at its end.
class WipedText : private std::streambuf {
 public:
    WipedText() { text_.reserve(smallest); }
    WipedText(const WipedText&) = delete;
    WipedText& operator=(const WipedText&) = delete;
    ~WipedText() override { core::wipe(text_); }

    [[nodiscard]] std::ostream& out() { return out_; }
    /// All of it; nothing is left here.
    [[nodiscard]] core::Secret take() { return core::Secret::take(text_); }

 private:
    // More than a std::string keeps in itself: there, moving it would copy it.
    static constexpr std::size_t smallest = 4096;

    int_type overflow(int_type c) override {
        const char one = traits_type::to_char_type(c);
        if (!traits_type::eq_int_type(c, traits_type::eof())) append({&one, 1});
        return traits_type::not_eof(c);
    }
    std::streamsize xsputn(const char* data, std::streamsize size) override {
        append({data, static_cast<std::size_t>(size)});
        return size;
    }
    void append(std::string_view more) {
        if (text_.capacity() - text_.size() < more.size()) {
            std::string longer;
            longer.reserve(std::max(smallest, 2 * (text_.size() + more.size())));
            longer.append(text_);
            core::wipe(text_);
            text_ = std::move(longer);
        }
        text_.append(more);
    }

    std::string text_;
    std::ostream out_{this};
};

}  // namespace devkey::storage
