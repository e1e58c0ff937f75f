#include "host/secret_buffer.hpp"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "host/system_error.hpp"

namespace devkey::host {

core::Result<void> read_all(int descriptor, SecretBuffer& buffer, std::string_view place) {
    for (;;) {
        const auto room = buffer.room();
        const ssize_t got = ::read(descriptor, room.data(), room.size());
        if (got == 0) return {};
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error(std::string(place) + ": can't be read", errno);
        buffer.filled(static_cast<std::size_t>(got));
        if (buffer.overflown())
            return core::fail(core::ErrorKind::InvalidInput,
                              std::string(place) + ": holds more than 64 KiB; is it the right one?");
    }
}

core::Result<core::Secret> secret_in(const SecretBuffer& buffer, std::string_view place) {
    auto text = buffer.text();
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.empty()) return core::fail(core::ErrorKind::InvalidInput, std::string(place) + ": is empty");
    return core::Secret{text};
}

}  // namespace devkey::host
