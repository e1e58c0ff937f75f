#include "services/interrupter.hpp"

#include <sys/socket.h>

#include <utility>

namespace devkey::services {

Interrupter::Interrupter() : thread_([this] { run(); }) {}

Interrupter::~Interrupter() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Interrupter::abort() noexcept {
    abort_.request_stop();
    const std::lock_guard lock(mutex_);
    if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

void Interrupter::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        if (socket_ < 0) {
            changed_.wait(lock);
        } else if (changed_.wait_until(lock, deadline_) == std::cv_status::timeout && socket_ >= 0 &&
                   std::chrono::steady_clock::now() >= deadline_) {
            ::shutdown(std::exchange(socket_, -1), SHUT_RDWR);
        }
    }
}

Interrupter::Watch::Watch(Interrupter& interrupter, int socket, Time deadline) : interrupter_(interrupter) {
    ++interrupter_.steps_;
    const std::lock_guard lock(interrupter_.mutex_);
    interrupter_.socket_ = socket;
    interrupter_.deadline_ = deadline;
    if (interrupter_.aborted()) ::shutdown(socket, SHUT_RDWR);
    interrupter_.changed_.notify_all();
}

Interrupter::Watch::~Watch() {
    ++interrupter_.steps_;
    const std::lock_guard lock(interrupter_.mutex_);
    interrupter_.socket_ = -1;
    interrupter_.changed_.notify_all();
}

}  // namespace devkey::services
