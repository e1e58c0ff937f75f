// Ends a blocking call from outside: at its deadline, or because the agent stops.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>

namespace devkey::services {

/// Poco's timeouts are per operation, so a server that trickles bytes would hold a request for ever. This
/// shuts the socket down when the whole call's time is over. Its thread sleeps until then: a call that ends
/// in time doesn't wake it.
class Interrupter {
 public:
    using Time = std::chrono::steady_clock::time_point;

    /// Starts the thread. Throws std::system_error if the system has none, or no descriptor, left.
    Interrupter();
    ~Interrupter();
    Interrupter(const Interrupter&) = delete;
    Interrupter& operator=(const Interrupter&) = delete;

    /// From any thread: ends the call under way, and every later one as soon as it starts.
    void abort() noexcept;
    [[nodiscard]] bool aborted() const noexcept { return abort_.stop_requested(); }
    /// Stopped by the abort: for what waits on something else than a socket.
    [[nodiscard]] std::stop_token token() const noexcept { return abort_.get_token(); }

    /// From any thread: how many watches have begun and ended. While it changes, calls go on.
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

    /// Shuts `socket` down at `deadline`, or when aborted, until the watch ends. One watch at a time. The
    /// socket must stay open as long, and be connected or connecting: on any other a shutdown does nothing.
    class Watch {
     public:
        Watch(Interrupter& interrupter, int socket, Time deadline);
        ~Watch();
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;

     private:
        Interrupter& interrupter_;
    };

 private:
    /// The kernel's alarm clock: to set it costs the call's thread no more than a system call.
    class Alarm {
     public:
        Alarm();
        ~Alarm();
        Alarm(const Alarm&) = delete;
        Alarm& operator=(const Alarm&) = delete;
        void set(Time time) noexcept;
        void clear() noexcept;
        /// Until it goes off.
        void wait() const noexcept;

     private:
        int descriptor_;
    };

    void run();

    std::stop_source abort_;
    std::atomic<std::uint64_t> steps_ = 0;
    Alarm alarm_;
    std::mutex mutex_;  // a plain mutex's lock fails only where it's used wrongly: noexcept functions may
    int socket_ = -1;
    Time deadline_{};
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace devkey::services
