// The front desk with a daemon that takes its time: real sockets, and a real event loop in a thread of its
// own.
#include "front_desk.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "fakes/control_client.hpp"
#include "fakes/temporary_directory.hpp"
#include "fakes/wait_until.hpp"
#include "fakes/world.hpp"
#include "host/system_clock.hpp"
#include "host/wake.hpp"

namespace devkey {
namespace {

using Client = fakes::ControlClient;
using namespace std::chrono_literals;

std::string ask_plan(int seconds) {
    return R"({"version":1,"verb":"plan","until_s":)" + std::to_string(seconds) + "}\n";
}
const std::string ask_status = R"({"version":1,"verb":"status"})"
                               "\n";

/// Can be behind the time that timers go by.
class Clock : public ports::Clock {
 public:
    [[nodiscard]] core::Instant now() const override { return clock_.now(); }
    [[nodiscard]] core::BootInstant boot_now() const override {
        return clock_.boot_now() - std::chrono::seconds{seconds_behind};
    }
    [[nodiscard]] bool is_synchronised() const override { return clock_.is_synchronised(); }
    [[nodiscard]] core::Millis utc_offset() const override { return clock_.utc_offset(); }

    std::atomic<int> seconds_behind{0};

 private:
    host::SystemClock clock_;
};

/// Keeps what was told: `name field=value …`.
class Log : public ports::Reporter {
 public:
    void report(const ports::Event& event) noexcept override {
        std::string line{event.name};
        for (const auto& [name, value] : event.fields)
            if (name != "pid") line += " " + std::string(name) + "=" + value;
        const std::scoped_lock lock{mutex_};
        lines_.push_back(line);
    }
    [[nodiscard]] std::ptrdiff_t times(std::string_view line) {
        const std::scoped_lock lock{mutex_};
        return std::ranges::count(lines_, line);
    }

 private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

/// The answer to another user than root.
std::string answer_to_nobody(const std::string& path, const std::string& line) {
    std::string answer;
    std::thread([&] {
        // Of this thread alone: the C library's call would change all.
        ASSERT_EQ(::syscall(SYS_setresuid, 65534, 65534, 65534), 0);
        answer = Client(path).answer_to(line);
    }).join();
    return answer;
}

/// A connection of one who may only read: of the group nogroup.
std::optional<Client> of_a_reader(const std::string& path) {
    std::optional<Client> client;
    std::thread([&] {
        ASSERT_EQ(::syscall(SYS_setresgid, 65534, 65534, 65534), 0);
        ASSERT_EQ(::syscall(SYS_setresuid, 65534, 65534, 65534), 0);
        client.emplace(path);
    }).join();
    return client;
}

/// A desk that listens, and a daemon behind it whose plans are made when the test says so.
struct Desk : testing::Test {
    Desk() {
        ::chmod(directory.path.c_str(), 0711);
        loop_.watch(end_.descriptor(), [this] { loop_.leave(); });
        loop_.watch(plan_is_made_.descriptor(), [this] {
            plan_is_made_.clear();
            desk_.planned("the plan");
            told.release();
        });
        desk_.open({.socket = path, .read_group = "nogroup", .change_group = {}});
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~Desk() override {
        end_.set();
        thread_.join();
    }
    /// Returns once nobody waits for it any more.
    void plan_is_made() {
        plan_is_made_.set();
        told.acquire();
    }

    fakes::TemporaryDirectory directory;
    std::string path = directory.file("control.sock");
    std::vector<core::Millis> plans;     // asked of the daemon; read it after `begun`
    std::counting_semaphore<> begun{0};  // a plan
    std::counting_semaphore<> told{0};   // a plan
    Clock clock;
    Log log;

 private:
    fakes::Entropy entropy_;
    services::Interrupter interrupter_;
    storage::FileCalls files_;
    storage::HistoryFile history_{directory.path};
    Shared shared_{.clock = clock,
                   .entropy = entropy_,
                   .reporter = log,
                   .interrupter = interrupter_,
                   .files = files_,
                   .history = history_,
                   .credentials_directory = {},
                   .stop = -1};
    host::EventLoop loop_;
    host::Wake end_;
    host::Wake plan_is_made_;
    FrontDesk desk_{loop_,
                    shared_,
                    {.status = [] { return core::Status{}; },
                     .agent = [] { return control::AgentStatus{}; },
                     .record = [](const core::Asking&) { return core::Result<void>{}; },
                     .reload = [] { return true; },
                     .look = [] {},
                     .plan =
                         [this](core::Millis span) {
                             plans.push_back(span);
                             begun.release();
                         }}};
    std::thread thread_;
};

TEST_F(Desk, APlanThatIsBeingMadeHoldsNobodyUp) {
    const Client patient(path);
    patient.send(ask_plan(60));
    begun.acquire();
    EXPECT_TRUE(Client(path).answer_to(ask_status).contains(R"("answer":"status")"));
    plan_is_made();
    EXPECT_EQ(patient.rest(), "the plan\n");
}

TEST_F(Desk, PlansAreMadeOneAfterTheOtherAndForReadersLast) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    const Client first(path);
    first.send(ask_plan(1));
    begun.acquire();
    const auto reader = of_a_reader(path);
    reader->send(ask_plan(2));
    const Client changer(path);
    changer.send(ask_plan(3));
    EXPECT_TRUE(Client(path).answer_to(ask_status).contains(R"("answer":"status")"));  // after those
    for (const auto& client : {&first, &changer, &*reader}) {
        EXPECT_EQ(plans.size(), client == &first ? 1U : client == &changer ? 2U : 3U);
        plan_is_made();
        EXPECT_EQ(client->rest(), "the plan\n");
        if (client != &*reader) begun.acquire();
    }
    EXPECT_EQ(plans, (std::vector<core::Millis>{1s, 3s, 2s}));
}

TEST_F(Desk, APlanForOneWhoHasLeftIsNotTheNextOnes) {
    Client(path).send(ask_plan(1));
    begun.acquire();
    const Client next(path);
    next.send(ask_plan(2));
    EXPECT_TRUE(Client(path).answer_to(ask_status).contains(R"("answer":"status")"));
    plan_is_made();
    begun.acquire();
    plan_is_made();
    EXPECT_EQ(next.rest(), "the plan\n");
    EXPECT_EQ(plans, (std::vector<core::Millis>{1s, 2s}));
}

TEST_F(Desk, OneWhoIsRefusedAgainAndAgainDoesNotFloodTheLog) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    clock.seconds_behind = 61;
    for (int i = 0; i < 20; ++i)
        ASSERT_TRUE(answer_to_nobody(path, ask_status).contains(R"("error":"not-allowed")"));
    EXPECT_EQ(log.times("control-refused verb=status uid=65534"), 1);
    clock.seconds_behind = 0;  // the minute is over, and nobody asks any more
    EXPECT_TRUE(fakes::wait_until([&] { return log.times("control-refused count=19 uid=65534") == 1; }));
    ASSERT_TRUE(answer_to_nobody(path, ask_status).contains(R"("error":"not-allowed")"));
    EXPECT_EQ(log.times("control-refused verb=status uid=65534"), 2);
}

}  // namespace
}  // namespace devkey
