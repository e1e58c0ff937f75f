#include "host/worker.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>

#include "host/readable.hpp"

namespace devkey::host {
namespace {

using namespace std::chrono_literals;
using Echo = Worker<std::string, std::string>;

std::string join(std::string left, std::string right) {
    return left + "+" + right;
}

// Work that says when it has begun and goes on when it is let.
struct Gate {
    std::promise<void> begun;
    std::promise<void> open;
    std::shared_future<void> opened = open.get_future().share();

    std::string work(std::string request) {
        if (request == "slow") {
            begun.set_value();
            opened.wait();
        }
        return request;
    }
};

TEST(Worker, AnswersARequestOnAnotherThread) {
    std::thread::id worker_thread;
    Echo worker(
        [&](std::string request) {
            worker_thread = std::this_thread::get_id();
            return "done " + request;
        },
        join);
    EXPECT_EQ(worker.take(), std::nullopt);
    worker.ask("a");
    ASSERT_TRUE(becomes_readable(worker.descriptor()));
    EXPECT_EQ(worker.take(), "done a");
    EXPECT_FALSE(readable_now(worker.descriptor()));
    EXPECT_NE(worker_thread, std::this_thread::get_id());
    EXPECT_TRUE(worker.stop(60s));
}

TEST(Worker, MakesOneOfTheRequestsThatWait) {
    Gate gate;
    Echo worker([&](std::string request) { return gate.work(std::move(request)); }, join);
    worker.ask("slow");
    gate.begun.get_future().wait();
    worker.ask("a");
    worker.ask("b");
    worker.ask("c");
    gate.open.set_value();
    std::string last;
    while (last != "a+b+c") {
        ASSERT_TRUE(becomes_readable(worker.descriptor()));
        last = worker.take().value_or("");
        ASSERT_TRUE(last.empty() || last == "slow" || last == "a+b+c") << last;
    }
    EXPECT_TRUE(worker.stop(60s));
}

// Or a thread that never begins would pass for one that has nothing to do.
TEST(Worker, IsBusyFromTheMomentItIsAsked) {
    for (int i = 0; i < 100; ++i) {
        Gate gate;
        Echo worker([&](std::string request) { return gate.work(std::move(request)); }, join);
        EXPECT_FALSE(worker.progress().busy);
        worker.ask("slow");
        EXPECT_TRUE(worker.progress().busy);
        gate.open.set_value();
    }
}

TEST(Worker, TellsThatItIsStuck) {
    auto gate = std::make_shared<Gate>();
    std::promise<void> gone;
    {
        Echo worker([gate](std::string request) { return gate->work(std::move(request)); }, join);
        worker.ask("slow");
        gate->begun.get_future().wait();
        EXPECT_FALSE(worker.stop(1ms));
    }
    gate->open.set_value();  // it finds only what it owns itself
}

TEST(Worker, DoesNoFurtherRequestWhenStopped) {
    Gate gate;
    std::atomic<int> done = 0;
    Echo worker(
        [&](std::string request) {
            ++done;
            return gate.work(std::move(request));
        },
        join);
    worker.ask("slow");
    gate.begun.get_future().wait();
    worker.ask("never");
    EXPECT_FALSE(worker.stop(1ms));
    EXPECT_EQ(done, 1);
    gate.open.set_value();
    // The stuck thread still uses `gate`: wait until it has answered.
    ASSERT_TRUE(becomes_readable(worker.descriptor()));
    EXPECT_EQ(worker.take(), "slow");
    EXPECT_EQ(done, 1);
}

}  // namespace
}  // namespace devkey::host
