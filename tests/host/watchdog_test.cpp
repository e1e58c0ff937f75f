#include "host/watchdog.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <string>

#include "host/datagram_socket.hpp"
#include "host/readable.hpp"

namespace devkey::host {
namespace {

using namespace std::chrono_literals;

constexpr core::Millis longest = 70s;

// systemd wants to hear every minute.
struct WatchdogTest : testing::Test {
    WatchdogTest() { ask("60000000"); }
    ~WatchdogTest() override {
        ::unsetenv("WATCHDOG_USEC");
        ::unsetenv("WATCHDOG_PID");
    }
    static void ask(const std::string& microseconds, pid_t whom = ::getpid()) {
        ::setenv("WATCHDOG_USEC", microseconds.c_str(), 1);
        ::setenv("WATCHDOG_PID", std::to_string(whom).c_str(), 1);
    }
    // Half a minute later.
    bool feeds(Watchdog& watchdog, const Progress& progress) {
        now_ += 30s;
        watchdog.look(now_, progress, longest);
        return socket_.told() == "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000";
    }

    NotifySocket socket_;
    Notify notify_;
    Watchdog::Time now_{24h};
};

TEST_F(WatchdogTest, IsFedWhileNothingIsToBeDone) {
    Watchdog watchdog{notify_};
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(feeds(watchdog, {.busy = false, .steps = 2})) << i;
}

TEST_F(WatchdogTest, IsFedThroughALongPassThatGetsOn) {
    Watchdog watchdog{notify_};
    for (unsigned i = 0; i < 100; ++i) EXPECT_TRUE(feeds(watchdog, {.busy = true, .steps = i / 3})) << i;
}

TEST_F(WatchdogTest, IsNotFedOnceAStepTakesTooLong) {
    Watchdog watchdog{notify_};
    EXPECT_TRUE(feeds(watchdog, {.busy = false, .steps = 2}));
    EXPECT_TRUE(feeds(watchdog, {.busy = true, .steps = 3}));  // it may have begun just now
    EXPECT_TRUE(feeds(watchdog, {.busy = true, .steps = 3}));
    EXPECT_TRUE(feeds(watchdog, {.busy = true, .steps = 3}));   // 60 s at least
    EXPECT_FALSE(feeds(watchdog, {.busy = true, .steps = 3}));  // 90 s
    EXPECT_FALSE(feeds(watchdog, {.busy = true, .steps = 3}));
    EXPECT_TRUE(feeds(watchdog, {.busy = true, .steps = 4}));  // not wedged, but slow
}

TEST_F(WatchdogTest, SeesAWorkerThatHangsAndOneThatDoesNot) {
    Watchdog watchdog{notify_};
    std::promise<void> begun;
    std::promise<void> open;
    Worker<int, int> worker(
        [&](int request) {
            begun.set_value();
            open.get_future().wait();
            return request;
        },
        [](int, int next) { return next; });
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(feeds(watchdog, worker.progress()));
    worker.ask(1);
    begun.get_future().wait();
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(feeds(watchdog, worker.progress())) << i;
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(feeds(watchdog, worker.progress())) << i;
    open.set_value();
    ASSERT_TRUE(becomes_readable(worker.descriptor()));
    EXPECT_TRUE(feeds(watchdog, worker.progress()));
}

TEST_F(WatchdogTest, LooksTwiceAsOftenAsSystemdWantsToHear) {
    ask("100000");
    Watchdog watchdog{notify_};
    EXPECT_TRUE(watchdog.wanted());
    ASSERT_TRUE(becomes_readable(watchdog.descriptor()));
    ask("600000000");
    Watchdog slow{notify_};
    slow.look(now_, {}, longest);
    EXPECT_FALSE(readable_now(slow.descriptor()));
    EXPECT_EQ(socket_.told(), "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=600000000");
}

TEST_F(WatchdogTest, NeverWakesAnybodyWhereNobodyAskedForIt) {
    ask("1000", ::getppid());  // somebody else was asked
    const Watchdog others{notify_};
    ask("soon");
    const Watchdog senseless{notify_};
    ::unsetenv("WATCHDOG_USEC");
    const Watchdog none{notify_};
    for (const auto* watchdog : {&others, &senseless, &none}) {
        EXPECT_FALSE(watchdog->wanted());
        EXPECT_FALSE(readable(watchdog->descriptor(), 20));
    }
}

TEST_F(WatchdogTest, IsMeantForAnybodyWhereNobodyIsNamed) {
    ::unsetenv("WATCHDOG_PID");
    EXPECT_TRUE(Watchdog{notify_}.wanted());
}

TEST_F(WatchdogTest, TakesNothingThatItCannotUnderstand) {
    for (const std::string bad : {"", "0", "-1000", "1000x", " 1000", "1e3", "18446744073709551615"}) {
        ask(bad);
        EXPECT_FALSE(Watchdog{notify_}.wanted()) << bad;
    }
    ask("1000");
    EXPECT_TRUE(Watchdog{notify_}.wanted());
    ::setenv("WATCHDOG_PID", "", 1);
    EXPECT_FALSE(Watchdog{notify_}.wanted());
    ::setenv("WATCHDOG_PID", (std::to_string(::getpid()) + "0x").c_str(), 1);
    EXPECT_FALSE(Watchdog{notify_}.wanted());
}

}  // namespace
}  // namespace devkey::host
