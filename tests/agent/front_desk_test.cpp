// The front desk with a daemon that takes its time: real sockets, and a real event loop in a thread of its
// own.
#include "front_desk.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "fakes/control_client.hpp"
#include "fakes/temporary_directory.hpp"
#include "fakes/world.hpp"
#include "host/system_clock.hpp"
#include "host/wake.hpp"

namespace devkey {
namespace {

using Client = fakes::ControlClient;
using namespace std::chrono_literals;

const std::string ask_plan = R"({"version":1,"verb":"plan","until_s":60})"
                             "\n";
const std::string ask_status = R"({"version":1,"verb":"status"})"
                               "\n";

/// A desk that listens, and a daemon behind it whose plans are made when the test says so.
struct Desk : testing::Test {
    Desk() {
        loop_.watch(end_.descriptor(), [this] { loop_.leave(); });
        loop_.watch(plan_is_made_.descriptor(), [this] {
            plan_is_made_.clear();
            desk_.planned("the plan");
            told.release();
        });
        desk_.open({.socket = path, .read_group = {}, .change_group = {}});
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

 private:
    host::SystemClock clock_;
    fakes::Entropy entropy_;
    fakes::Reporter reporter_;
    services::Interrupter interrupter_;
    storage::FileCalls files_;
    storage::HistoryFile history_{directory.path};
    Shared shared_{.clock = clock_,
                   .entropy = entropy_,
                   .reporter = reporter_,
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
    patient.send(ask_plan);
    begun.acquire();
    EXPECT_TRUE(Client(path).answer_to(ask_status).contains(R"("answer":"status")"));
    plan_is_made();
    EXPECT_EQ(patient.rest(), "the plan\n");
}

TEST_F(Desk, PlansDoNotPileUp) {
    const Client first(path);
    first.send(ask_plan);
    begun.acquire();
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(Client(path).answer_to(ask_plan).contains(R"("error":"busy")"));
    plan_is_made();
    EXPECT_EQ(first.rest(), "the plan\n");
    EXPECT_EQ(plans, std::vector<core::Millis>{60s});
}

TEST_F(Desk, APlanForOneWhoHasLeftIsNotTheNextOnes) {
    Client(path).send(ask_plan);
    begun.acquire();
    EXPECT_TRUE(Client(path).answer_to(ask_plan).contains(R"("error":"busy")"));
    plan_is_made();
    const Client next(path);
    next.send(ask_plan);
    begun.acquire();
    plan_is_made();
    EXPECT_EQ(next.rest(), "the plan\n");
}

}  // namespace
}  // namespace devkey
