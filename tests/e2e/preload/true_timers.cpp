// Loaded before libfaketime: it shifts the times of every timerfd by how wrong it makes the wall clock, also
// of those that go by the time since boot, which it leaves alone.
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

extern "C" int timerfd_settime(int timer, int flags, const itimerspec* value, itimerspec* old) noexcept {
    return static_cast<int>(::syscall(SYS_timerfd_settime, timer, flags, value, old));
}
