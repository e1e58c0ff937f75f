#include "host/heartbeat_file.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <chrono>

#include "host/system_error.hpp"

namespace devkey::host {

core::Result<std::optional<core::Instant>> HeartbeatFile::last_beat() {
    struct stat facts{};
    if (path_.empty()) return std::nullopt;
    if (::stat(path_.c_str(), &facts) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
        return std::unexpected(system_error(path_, errno).error());
    }
    if (!S_ISREG(facts.st_mode))
        return core::fail(core::ErrorKind::Insecure,
                          path_ + ": is not a regular file; name one that the program touches");
    using namespace std::chrono;
    const auto since_epoch = seconds{facts.st_mtim.tv_sec} + nanoseconds{facts.st_mtim.tv_nsec};
    return core::Instant{duration_cast<core::Millis>(since_epoch)};
}

}  // namespace devkey::host
