#include "host/hardening.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "host/descriptor.hpp"
#include "host/system_error.hpp"

namespace devkey::host {
namespace {

// Belongs before PR_SET_DUMPABLE: afterwards /proc/self is root's. A core that a privileged dumper makes in
// spite of the limit holds no memory.
core::Result<void> empty_core_filter() {
    constexpr const char* path = "/proc/self/coredump_filter";
    const Descriptor filter{::open(path, O_WRONLY | O_CLOEXEC)};
    if (!filter && errno == ENOENT) return {};  // a kernel without core dumps
    if (!filter || ::write(filter.get(), "0", 1) != 1) return system_error(path, errno);
    return {};
}

}  // namespace

core::Result<void> harden() {
    ::umask(077);
    ::signal(SIGPIPE, SIG_IGN);
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0) return system_error("RLIMIT_CORE", errno);
    if (const auto emptied = empty_core_filter(); !emptied) return emptied;
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return system_error("PR_SET_DUMPABLE", errno);
    return {};
}

}  // namespace devkey::host
