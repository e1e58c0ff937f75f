// Ends a blocking call from outside: at its deadline, or because the agent stops.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace devkey::services {

/// Poco's timeouts are per operation, so a server that trickles bytes would hold a request for ever. This
/// shuts the socket down when the whole call's time is over. Its thread sleeps unless a call is under way.
class Interrupter {
 public:
    using Time = std::chrono::steady_clock::time_point;

    Interrupter();
    ~Interrupter();
    Interrupter(const Interrupter&) = delete;
    Interrupter& operator=(const Interrupter&) = delete;

    /// From any thread: ends the call under way, and every later one as soon as it starts.
    void abort() noexcept;
    [[nodiscard]] bool aborted() const;

    /// Shuts `socket` down at `deadline`, until the watch ends. One watch at a time. The socket must stay
    /// open as long.
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
    void run();

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    int socket_ = -1;
    Time deadline_{};
    bool aborted_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace devkey::services
