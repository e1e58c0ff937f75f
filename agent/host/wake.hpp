// Wakes an event loop from another thread.
#pragma once

#include "host/descriptor.hpp"

namespace devkey::host {

/// An eventfd. Throws std::system_error if there are no descriptors left.
class Wake {
 public:
    Wake();

    /// From any thread, any number of times: readable until cleared.
    void set() noexcept;
    void clear() noexcept;

    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

 private:
    Descriptor descriptor_;
};

}  // namespace devkey::host
