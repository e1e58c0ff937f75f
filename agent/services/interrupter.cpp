#include "services/interrupter.hpp"

#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace devkey::services {

using namespace std::chrono;

Interrupter::Alarm::Alarm() : descriptor_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "timerfd");
}

Interrupter::Alarm::~Alarm() {
    ::close(descriptor_);
}

void Interrupter::Alarm::set(Time time) noexcept {
    const auto left = std::max<nanoseconds>(time - steady_clock::now(), 1ns);  // zero would mean never
    itimerspec once{};
    once.it_value.tv_sec = duration_cast<seconds>(left).count();
    once.it_value.tv_nsec = (left % seconds{1}).count();
    ::timerfd_settime(descriptor_, 0, &once, nullptr);
}

void Interrupter::Alarm::clear() noexcept {
    const itimerspec never{};
    ::timerfd_settime(descriptor_, 0, &never, nullptr);
}

void Interrupter::Alarm::wait() const noexcept {
    std::uint64_t times = 0;
    while (::read(descriptor_, &times, sizeof times) < 0 && errno == EINTR) continue;
}

Interrupter::Interrupter() : thread_([this] { run(); }) {}

Interrupter::~Interrupter() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        alarm_.set(Time{});
    }
    thread_.join();
}

void Interrupter::abort() noexcept {
    abort_.request_stop();
    const std::lock_guard lock(mutex_);
    if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

void Interrupter::run() {
    for (;;) {
        alarm_.wait();
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        // It may have gone off for the watch before this one.
        if (socket_ >= 0 && steady_clock::now() >= deadline_)
            ::shutdown(std::exchange(socket_, -1), SHUT_RDWR);
    }
}

Interrupter::Watch::Watch(Interrupter& interrupter, int socket, Time deadline) : interrupter_(interrupter) {
    ++interrupter_.steps_;
    const std::lock_guard lock(interrupter_.mutex_);
    interrupter_.socket_ = socket;
    interrupter_.deadline_ = deadline;
    if (interrupter_.aborted()) ::shutdown(socket, SHUT_RDWR);
    interrupter_.alarm_.set(deadline);
}

Interrupter::Watch::~Watch() {
    ++interrupter_.steps_;
    const std::lock_guard lock(interrupter_.mutex_);
    interrupter_.socket_ = -1;
    interrupter_.alarm_.clear();
}

}  // namespace devkey::services
