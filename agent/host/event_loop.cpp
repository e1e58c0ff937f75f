#include "host/event_loop.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

#include "host/system_error.hpp"

namespace devkey::host {

EventLoop::EventLoop() : descriptor_(must_open(epoll_create1(EPOLL_CLOEXEC), "epoll")) {}

void EventLoop::watch(int descriptor, Handler handler, When when) {
    epoll_event event{};
    event.events = when == When::Readable ? EPOLLIN : EPOLLOUT;
    event.data.fd = descriptor;
    must_open(epoll_ctl(descriptor_.get(), EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
    handlers_[descriptor] = std::make_shared<const Handler>(std::move(handler));
}

void EventLoop::forget(int descriptor) {
    if (handlers_.erase(descriptor) > 0) epoll_ctl(descriptor_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
}

void EventLoop::run() {
    std::array<epoll_event, 8> events{};
    while (!leaving_) {
        const int count = epoll_wait(descriptor_.get(), events.data(), static_cast<int>(events.size()), -1);
        if (count < 0 && errno == EINTR) continue;
        must_open(count, "epoll_wait");
        for (std::size_t i = 0; i < static_cast<std::size_t>(count) && !leaving_; ++i) {
            const auto found = handlers_.find(events.at(i).data.fd);
            if (found == handlers_.end()) continue;
            const auto handler = found->second;  // it may forget itself
            (*handler)();
        }
    }
    leaving_ = false;
}

}  // namespace devkey::host
