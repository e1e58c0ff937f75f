// Chance, as an argument.
#pragma once

#include <cstddef>
#include <string>

namespace devkey::ports {

class Entropy {
 public:
    virtual ~Entropy() = default;
    /// `length` random characters of [a-z2-7] (5 bits each), from a cryptographic source.
    [[nodiscard]] virtual std::string tag(std::size_t length) = 0;
};

}  // namespace devkey::ports
