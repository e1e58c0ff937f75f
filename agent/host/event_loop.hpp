// Waits for descriptors, and for nothing else: it never wakes up by itself.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "host/descriptor.hpp"

namespace devkey::host {

/// Used by one thread. Throws std::system_error if there are no descriptors left.
class EventLoop {
 public:
    using Handler = std::function<void()>;

    EventLoop();

    enum class When { Readable, Writable };

    /// Calls `handler` whenever `descriptor` is readable (writable), which it must then change (read or clear
    /// it, fill it). The descriptor stays the caller's, who forgets it before closing it.
    void watch(int descriptor, Handler handler, When when = When::Readable);
    /// No handler of it is called from now on, also from within a handler. Nothing if it isn't watched.
    void forget(int descriptor);

    /// Calls handlers, one after the other, until one of them calls leave().
    void run();
    void leave() noexcept { leaving_ = true; }

 private:
    Descriptor descriptor_;
    std::map<int, std::shared_ptr<const Handler>> handlers_;
    bool leaving_ = false;
};

}  // namespace devkey::host
