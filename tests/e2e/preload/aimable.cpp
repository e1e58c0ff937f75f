// Loaded before devkeyd (LD_PRELOAD) by the kill loop alone, so that strace can aim at its calls. It changes
// nothing of what they do to files and to the network.
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>

// strace looks up the paths of the files of a process; of one that isn't dumpable it may only with
// CAP_SYS_PTRACE, which neither an ordinary user nor a container's root has. So it stays dumpable; instead,
// it goes when strace goes: a test that gives up on strace must leave nothing running.
extern "C" int prctl(int option, ...) {
    if (option == PR_SET_DUMPABLE)
        return static_cast<int>(::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
    std::va_list more;
    va_start(more, option);
    const auto second = va_arg(more, unsigned long);
    const auto third = va_arg(more, unsigned long);
    const auto fourth = va_arg(more, unsigned long);
    const auto fifth = va_arg(more, unsigned long);
    va_end(more);
    return static_cast<int>(::syscall(SYS_prctl, option, second, third, fourth, fifth));
}

// strace counts the calls of one name in each thread, and the main thread reads more, before it starts the
// worker, than the worker ever will. Under this name the worker's reads from its socket can be told apart.
extern "C" ssize_t read(int file, void* to, std::size_t size) {
    const auto got = ::syscall(SYS_recvfrom, file, to, size, 0, nullptr, nullptr);
    if (got < 0 && errno == ENOTSOCK) return ::syscall(SYS_read, file, to, size);
    return got;
}
