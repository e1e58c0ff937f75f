// The kernel's random numbers.
#pragma once

#include "ports/entropy.hpp"

namespace devkey::host {

/// getrandom(2). At a device's first boot it waits until the kernel has gathered enough. Throws
/// std::system_error if the kernel has none at all.
class SystemEntropy final : public ports::Entropy {
 public:
    [[nodiscard]] std::string tag(std::size_t length) override;
};

}  // namespace devkey::host
