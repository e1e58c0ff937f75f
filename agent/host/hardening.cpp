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

// Started with one of them closed, the next file we open would get its number: state.json as stderr, say,
// with the log written into it.
core::Result<void> open_standard_descriptors() {
    for (;;) {
        const int number = ::open("/dev/null", O_RDWR | O_CLOEXEC);  // the lowest that is free
        if (number < 0) return system_error("/dev/null", errno);
        if (number <= STDERR_FILENO) continue;
        ::close(number);
        return {};
    }
}

core::Result<void> set_signals() {
    const bool ignored = ::signal(SIGPIPE, SIG_IGN) != SIG_ERR && ::signal(SIGUSR1, SIG_IGN) != SIG_ERR;
    // Where our parent ignored it, no child of ours would leave a status behind.
    if (!ignored || ::signal(SIGCHLD, SIG_DFL) == SIG_ERR) return system_error("signal", errno);
    return {};
}

}  // namespace

core::Result<void> harden() {
    if (const auto opened = open_standard_descriptors(); !opened) return opened;
    ::umask(077);
    if (const auto set = set_signals(); !set) return set;
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0) return system_error("RLIMIT_CORE", errno);
    if (const auto emptied = empty_core_filter(); !emptied) return emptied;
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return system_error("PR_SET_DUMPABLE", errno);
    return {};
}

}  // namespace devkey::host
