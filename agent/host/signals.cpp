#include "host/signals.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <initializer_list>
#include <system_error>

#include "host/system_error.hpp"

namespace devkey::host {
namespace {

sigset_t block(std::initializer_list<int> signals) {
    sigset_t ours;
    sigemptyset(&ours);
    for (const int signal : signals) sigaddset(&ours, signal);
    if (const int error = pthread_sigmask(SIG_BLOCK, &ours, nullptr); error != 0)
        throw std::system_error(error, std::generic_category(), "pthread_sigmask");
    return ours;
}

int open_signals() {
    const sigset_t ours = block({SIGTERM, SIGINT, SIGHUP, SIGUSR1});
    return must_open(signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
}

}  // namespace

void hold_requests() {
    block({SIGHUP, SIGUSR1});
}

Signals::Signals() : descriptor_(open_signals()) {}

std::optional<int> Signals::next() {
    signalfd_siginfo info{};
    if (::read(descriptor_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
}

}  // namespace devkey::host
