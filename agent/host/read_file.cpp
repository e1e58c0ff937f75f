#include "host/read_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "host/descriptor.hpp"
#include "host/secret_buffer.hpp"
#include "host/system_error.hpp"

namespace devkey::host {
namespace {

core::Result<void> check(int descriptor, const std::string& path, Privacy privacy) {
    struct stat facts{};
    if (::fstat(descriptor, &facts) != 0) return system_error(path + ": can't be looked at", errno);
    if (!S_ISREG(facts.st_mode))
        return core::fail(core::ErrorKind::InvalidInput, path + ": is not a regular file; name one");
    if (facts.st_uid != 0 && facts.st_uid != ::geteuid())
        return core::fail(
            core::ErrorKind::Insecure,
            fmt::format("{}: belongs to uid {}, who could change it; chown it to root or to uid {}", path,
                        facts.st_uid, ::geteuid()));
    // A group may read: that is how root hands a secret to the service's user.
    const mode_t forbidden = privacy == Privacy::OwnerSecret ? 0026 : 0022;
    if ((facts.st_mode & forbidden) != 0)
        return core::fail(
            core::ErrorKind::Insecure,
            fmt::format("{}: its mode {:04o} lets others {} it; chmod it to {}", path, facts.st_mode & 07777U,
                        (facts.st_mode & 0022U) != 0 ? "change" : "read",
                        privacy == Privacy::OwnerSecret ? "0400 or 0440" : "0644"));
    return {};
}

}  // namespace

core::Result<core::Secret> read_file(const std::string& path, Privacy privacy) {
    // Opening a FIFO or a terminal must neither block nor change anything.
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!file) {
        auto error = system_error(path + ": can't be opened", errno).error();
        if (error.kind == core::ErrorKind::NotFound) error.message += "; create it, or name another file";
        if (error.kind == core::ErrorKind::Insecure) error.message += "; let devkeyd's user read it";
        return std::unexpected(std::move(error));
    }
    if (const auto checked = check(file.get(), path, privacy); !checked)
        return std::unexpected(checked.error());
    SecretBuffer buffer;
    if (const auto read = read_all(file.get(), buffer, path); !read) return std::unexpected(read.error());
    return secret_in(buffer, path);
}

}  // namespace devkey::host
