// The event loop and what it waits for: real signals, timers and wakes.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "host/event_loop.hpp"
#include "host/readable.hpp"
#include "host/signals.hpp"
#include "host/system_clock.hpp"
#include "host/timer.hpp"
#include "host/wake.hpp"

namespace devkey::host {
namespace {

using namespace std::chrono_literals;

TEST(Timer, IsReadableFromItsTimeOn) {
    const SystemClock clock;
    Timer timer;
    const auto time = clock.boot_now() + 50ms;
    timer.set(time);
    ASSERT_TRUE(becomes_readable(timer.descriptor()));
    EXPECT_GE(clock.boot_now(), time);
}

TEST(Timer, IsReadableAtOnceIfItsTimeIsPast) {
    Timer timer;
    timer.set(core::BootInstant{0ms});
    EXPECT_TRUE(becomes_readable(timer.descriptor()));
    timer.set(core::BootInstant{-5ms});
    EXPECT_TRUE(becomes_readable(timer.descriptor()));
}

TEST(Timer, IsQuietUnlessSet) {
    Timer timer;
    EXPECT_FALSE(readable_now(timer.descriptor()));
    timer.set(core::BootInstant{1ms});
    ASSERT_TRUE(becomes_readable(timer.descriptor()));
    timer.clear();
    EXPECT_FALSE(readable_now(timer.descriptor()));
    timer.set_in(1h);
    EXPECT_FALSE(readable_now(timer.descriptor()));
}

TEST(Signals, AreTakenInsteadOfEndingUs) {
    Signals signals;
    EXPECT_EQ(signals.next(), std::nullopt);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        ASSERT_EQ(::kill(::getpid(), signal), 0);
        ASSERT_TRUE(becomes_readable(signals.descriptor()));
        EXPECT_EQ(signals.next(), signal);
    }
    EXPECT_EQ(signals.next(), std::nullopt);
}

TEST(Signals, WaitForItWhereTheyAreHeld) {
    hold_requests();
    ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
    Signals signals;
    EXPECT_EQ(signals.next(), SIGUSR1);
}

TEST(EventLoop, CallsTheHandlerOfWhatIsReadable) {
    EventLoop loop;
    Wake wake;
    Wake quiet;
    int calls = 0;
    loop.watch(quiet.descriptor(), [] { FAIL() << "nobody woke it"; });
    loop.watch(wake.descriptor(), [&] {
        wake.clear();
        if (++calls < 3)
            wake.set();
        else
            loop.leave();
    });
    std::thread other([&] { wake.set(); });
    loop.run();
    other.join();
    EXPECT_EQ(calls, 3);
}

TEST(EventLoop, ForgetsFromWithinAHandler) {
    EventLoop loop;
    Wake first;
    Wake second;
    int calls = 0;
    const auto handler = [&] {
        ++calls;
        loop.forget(first.descriptor());
        loop.forget(second.descriptor());
        loop.leave();
    };
    first.set();
    second.set();
    loop.watch(first.descriptor(), handler);
    loop.watch(second.descriptor(), handler);
    loop.run();
    EXPECT_EQ(calls, 1);
    loop.forget(first.descriptor());  // once more does nothing
}

TEST(EventLoop, LeavesOnASignal) {
    Signals signals;
    EventLoop loop;
    int got = 0;
    loop.watch(signals.descriptor(), [&] {
        got = signals.next().value_or(0);
        loop.leave();
    });
    std::thread other([] { ::kill(::getpid(), SIGTERM); });
    loop.run();
    other.join();
    EXPECT_EQ(got, SIGTERM);
}

}  // namespace
}  // namespace devkey::host
