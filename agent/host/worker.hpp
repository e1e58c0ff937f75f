// The one thread that may block: requests go in, answers come out, both as values.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "host/wake.hpp"

namespace devkey::host {

/// What can be seen of a worker from outside.
struct Progress {
    bool busy = false;        ///< a request is being done, or waits to be
    std::uint64_t steps = 0;  ///< while it changes, the work goes on
};

/// Does requests one after the other. Requests that come while one is being done become one, by
/// `merge(waiting, next)`; of answers nobody took, the latest is kept. Used by one thread.
template <class Request, class Answer>
class Worker {
 public:
    using Work = std::function<Answer(Request)>;
    using Merge = std::function<Request(Request, Request)>;

    /// Starts the thread. Throws std::system_error if the system has no thread or descriptor left. What
    /// `work` throws ends the process.
    Worker(Work work, Merge merge)
        : shared_(std::make_shared<Shared>(std::move(merge))), thread_(run, shared_, std::move(work)) {}
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    /// Waits for what is being done, if stop() wasn't called.
    ~Worker() {
        if (!thread_.joinable()) return;
        shared_->end();
        thread_.join();
    }

    /// Never waits for what is being done.
    void ask(Request request) {
        const std::scoped_lock lock{shared_->mutex};
        auto& waiting = shared_->request;
        waiting = waiting ? shared_->merge(*std::move(waiting), std::move(request)) : std::move(request);
        shared_->changed.notify_all();
    }

    /// Readable while an answer can be taken.
    [[nodiscard]] int descriptor() const noexcept { return shared_->answered.descriptor(); }

    [[nodiscard]] std::optional<Answer> take() {
        const std::scoped_lock lock{shared_->mutex};
        shared_->answered.clear();
        return std::exchange(shared_->answer, std::nullopt);
    }

    /// Counts requests begun and done.
    [[nodiscard]] Progress progress() const {
        const std::scoped_lock lock{shared_->mutex};
        return {.busy = shared_->request || shared_->steps % 2 == 1, .steps = shared_->steps};
    }

    /// Does no further request and waits at most `bound` for the one being done. True: the thread has ended.
    /// False: it is stuck, and the caller leaves the process at once (_exit), because what the thread uses
    /// must not be destroyed under it.
    [[nodiscard]] bool stop(std::chrono::milliseconds bound) {
        shared_->end();
        std::unique_lock lock{shared_->mutex};
        const bool back = shared_->changed.wait_for(lock, bound, [this] { return shared_->ended; });
        lock.unlock();
        if (back)
            thread_.join();
        else
            thread_.detach();
        return back;
    }

 private:
    struct Shared {
        explicit Shared(Merge by) : merge(std::move(by)) {}
        void end() {
            const std::scoped_lock lock{mutex};
            ending = true;
            changed.notify_all();
        }

        Merge merge;
        Wake answered;
        std::mutex mutex;
        std::condition_variable changed;
        std::optional<Request> request;
        std::optional<Answer> answer;
        std::uint64_t steps = 0;  // odd: it is busy
        bool ending = false;
        bool ended = false;
    };

    static void run(const std::shared_ptr<Shared>& shared, const Work& work) {
        std::unique_lock lock{shared->mutex};
        for (;;) {
            shared->changed.wait(lock, [&] { return shared->ending || shared->request; });
            if (shared->ending) break;
            Request request = *std::exchange(shared->request, std::nullopt);
            ++shared->steps;
            lock.unlock();
            Answer answer = work(std::move(request));
            lock.lock();
            ++shared->steps;
            shared->answer = std::move(answer);
            shared->answered.set();
        }
        shared->ended = true;
        shared->changed.notify_all();
    }

    std::shared_ptr<Shared> shared_;
    std::thread thread_;
};

}  // namespace devkey::host
