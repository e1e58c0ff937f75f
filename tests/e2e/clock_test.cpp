// A wall clock that jumps, or starts wrong, for the real devkeyd: by libfaketime, whose file the test
// rewrites while devkeyd runs. The time since boot stays true.
#include "e2e/life.hpp"

namespace devkey::e2e {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds year = std::chrono::days{365};

std::chrono::seconds true_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
}

/// How far a clock is ahead that shows a minute past 1 January 1970.
std::chrono::seconds in_1970() {
    return 60s - true_now();
}

struct WrongClock : LifeStory {
    /// How far the clock of what is started by `faked` is ahead from in a second on. (Asked to look at its
    /// file each time, libfaketime shows the true time now and then to one of several threads.)
    void jump(std::chrono::seconds ahead) const {
        const auto fresh = offset_file + ".new";
        fakes::put(fresh, (ahead < 0s ? "" : "+") + std::to_string(ahead.count()) + "\n");
        std::filesystem::rename(fresh, offset_file);
    }
    /// Words before a program's. The dynamic linker, not a shell, knows what $LIB is here.
    [[nodiscard]] std::vector<std::string> faked() const {
        return {"/usr/bin/env",
                "LD_PRELOAD=" TRUE_TIMERS ":/usr/$LIB/faketime/libfaketimeMT.so.1",
                "FAKETIME_TIMESTAMP_FILE=" + offset_file,
                "FAKETIME_CACHE_DURATION=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1",
                "NO_FAKE_STAT=1",
                "ASAN_OPTIONS=verify_asan_link_order=0"};
    }
    /// What the clock shows is asserted too: without libfaketime nothing here would be tested.
    void start_ahead(std::chrono::seconds ahead) {
        jump(ahead);
        auto words = faked();
        words.insert(words.end(), {"date", "+%s"});
        fakes::Process date(std::move(words), device.next_output());
        ASSERT_EQ(date.wait(), 0) << date.errors();
        ASSERT_LT(std::chrono::abs(std::chrono::seconds{std::stoll(date.output())} - true_now() - ahead),
                  1min)
            << "is the package libfaketime installed? " << date.errors();
        start(faked());
    }

    const std::string offset_file = device.directory.file("clock");
};

// ---- a year ahead: a key in its prime, and one in its grace

struct AYearAhead : WrongClock {
    void SetUp() override {
        service.start(service.authority.issue("127.0.0.1", 2 * year / 1s));
        set_policy(
            "superseded: {keep_enabled: 5m}\n"
            "watchdog: {jitter: 0%, key_login: {every: 1s}, key_listed: {every: never}}\n");
        start_ahead(0s);
        old_key = published("1");
        daemon->process().signal(SIGUSR1);
        new_key = published("2");
        ASSERT_TRUE(tells("healthy")) << log();
        expect_more_checks();
        mark = service.served().size();
        log_ins = service.owner_log_ins();
    }
    void expect_more_checks() const {
        EXPECT_TRUE(is_served("DELETE session 204", service.served().size(), 2));
    }

    void expect_nothing_changed() {
        EXPECT_EQ(published().id, new_key.id);
        EXPECT_TRUE(takes(new_key.secret));
        EXPECT_TRUE(takes(old_key.secret)) << "its grace is not over";
        EXPECT_EQ(service.keys().size(), 2U);
        for (const auto& made : served_since(mark))
            EXPECT_TRUE(made == "POST login 200" || made == "DELETE session 204" ||
                        made == "GET location 200")
                << made;
        stop();
    }

    Published old_key;
    Published new_key;
    std::size_t mark = 0;
    std::size_t log_ins = 0;
};

TEST_F(AYearAhead, ByAJumpChangesNothing) {
    jump(year);
    expect_more_checks();
    EXPECT_EQ(service.owner_log_ins(), log_ins) << "what the service told is good for the rest of the boot";
    // But for new settings it is another service, which has told nothing yet.
    EXPECT_TRUE(fakes::wait_until([&] {
        daemon->process().signal(SIGHUP);
        expect_more_checks();
        return service.owner_log_ins() > log_ins;
    })) << log();
    expect_nothing_changed();
}

TEST_F(AYearAhead, FromTheStartChangesNothing) {
    stop();
    start_ahead(year);
    // By the wall clock the grace is over. Its turn comes within a 24th of it; the service has told the time
    // by then, at a log-in of the key or because it was asked.
    EXPECT_TRUE(is_served("DELETE session 204", service.served().size(), 15)) << log();
    EXPECT_LE(service.owner_log_ins(), log_ins + 1) << log();
    expect_nothing_changed();
}

// Nobody can tell a clock that is ahead from a certificate that has ended. It costs no key, and
// ends with the mistake.
TEST_F(AYearAhead, BeyondTheCertificatesEndCostsNoKey) {
    jump(year);
    // The certificate is looked at when devkeyd connects anew.
    const auto refuses = [&] { return daemon->told().contains("STATUS=connection-insecure"); };
    ASSERT_TRUE(fakes::wait_until([&] {
        const auto so_far = service.served().size();
        service.start(service.authority.issue("127.0.0.1"));
        return fakes::wait_until([&] { return refuses() || service.served().size() > so_far; }) && refuses();
    })) << log();
    EXPECT_TRUE(daemon->tells("and the clock")) << daemon->told();
    daemon->process().signal(SIGUSR1);
    ASSERT_TRUE(tells("connection-insecure")) << log();
    EXPECT_EQ(published().id, new_key.id);
    EXPECT_EQ(service.keys().size(), 2U);
    stop();
    start_ahead(0s);
    ASSERT_TRUE(tells("healthy")) << log();
    daemon->process().signal(SIGUSR1);
    EXPECT_TRUE(takes(published("3").secret)) << log();
    stop();
}

// ---- behind

// Its certificate isn't valid yet by the machine's clock, but by the last time that the state has seen.
TEST_F(WrongClock, ThatFallsBackHoldsUpNoRotation) {
    set_policy(
        "rotate: {after: 5s, jitter: 0%}\nverify: {patience: 1s}\nsuperseded: {keep_enabled: 0s, then: "
        "delete}\n"
        "watchdog: {key_login: {every: never}, key_listed: {every: never}}\n");
    start_ahead(0s);
    ASSERT_EQ(published("1").generation, "1");
    jump(-year);
    EXPECT_TRUE(takes(published("2").secret)) << log();
    stop();
    start_ahead(in_1970());
    EXPECT_TRUE(takes(published("3").secret)) << log();
    stop();
}

// The build date vouches for a certificate that is older. What the state holds is the service's time.
TEST_F(WrongClock, ThatStartsIn1970GetsAKeyByItself) {
    const auto since_2020 =
        true_now() - std::chrono::sys_days{std::chrono::year{2020} / 1 / 1}.time_since_epoch();
    const fakes::TemporaryDirectory old;
    const fakes::Authority authority(old.path, since_2020 / 1s);
    service.start(authority.issue("127.0.0.1"));
    device.ca_file = authority.ca_file();
    device.write_settings();
    start_ahead(in_1970());
    ASSERT_TRUE(tells("healthy")) << log();
    EXPECT_TRUE(logs_in(service.port(), authority.ca_file(), published("1").secret));
    const auto seen = core::parse_instant(state()->getValue<std::string>("last_seen")).value();
    EXPECT_LT(std::chrono::abs(seen.time_since_epoch() - true_now()), 5min);
    stop();
}

}  // namespace
}  // namespace devkey::e2e
