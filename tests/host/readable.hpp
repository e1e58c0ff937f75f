// Whether a descriptor is readable: now, or before a bound that only a failure reaches.
#pragma once

#include <poll.h>

namespace devkey::host {

inline bool readable(int descriptor, int bound_ms) {
    pollfd wait{descriptor, POLLIN, 0};
    return ::poll(&wait, 1, bound_ms) == 1;
}
inline bool readable_now(int descriptor) {
    return readable(descriptor, 0);
}
inline bool becomes_readable(int descriptor) {
    return readable(descriptor, 60'000);
}

}  // namespace devkey::host
