#include "host/wake.hpp"

#include <sys/eventfd.h>

#include "host/system_error.hpp"

namespace devkey::host {

Wake::Wake() : descriptor_(must_open(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {}

// Neither can fail in a way that matters: a full counter is readable, an empty one is clear.
void Wake::set() noexcept {
    static_cast<void>(eventfd_write(descriptor_.get(), 1));
}

void Wake::clear() noexcept {
    eventfd_t count = 0;
    static_cast<void>(eventfd_read(descriptor_.get(), &count));
}

}  // namespace devkey::host
