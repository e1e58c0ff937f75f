// The faults that tests of the agent set, each over a real socket: that it bites, and whether the request was
// carried out.
#include <future>

#include "running_server.hpp"

namespace devkey::server {
namespace {

using fakes::Gate;
using std::chrono::milliseconds;

class Fault : public RunningServer {
 protected:
    void SetUp() override {
        RunningServer::SetUp();
        token = log_in();
    }
    [[nodiscard]] std::string create(const std::string& name) const {
        return connect().call("POST", "/auth/api_keys", R"({"name":")" + name + R"("})", token);
    }
    std::string token;
};

using Names = std::vector<std::string>;

TEST_F(Fault, DropBeforeLeavesNothing) {
    faults.at("POST", "/auth/api_keys", fakes::drop_before());
    EXPECT_EQ(create("one"), "");
    EXPECT_EQ(names(), Names{});
    EXPECT_EQ(status_of(create("one")), 201);
}

TEST_F(Fault, DropAfterLeavesTheKeyWithoutAnAnswer) {
    faults.at("POST", "/auth/api_keys", fakes::drop_after());
    EXPECT_EQ(create("one"), "");
    EXPECT_EQ(names(), Names{"one"});
    EXPECT_EQ(status_of(create("one")), 409);
}

TEST_F(Fault, HitsTheNthRequestAlone) {
    faults.at("POST", "/auth/api_keys", fakes::drop_after(), 2);
    EXPECT_EQ(status_of(create("one")), 201);
    EXPECT_EQ(status_of(connect().call("GET", "/auth/api_keys", "", token)), 200);
    EXPECT_EQ(create("two"), "");
    EXPECT_EQ(status_of(create("three")), 201);
}

TEST_F(Fault, AlwaysHitsUntilCleared) {
    faults.always("POST", "/auth/api_keys", fakes::drop_before());
    EXPECT_EQ(create("one"), "");
    EXPECT_EQ(create("one"), "");
    faults.clear();
    EXPECT_EQ(status_of(create("one")), 201);
}

TEST_F(Fault, CutOffEndsInTheMidst) {
    faults.at("POST", "/auth/api_keys", fakes::cut_off(5));
    const auto answer = create("one");
    EXPECT_EQ(status_of(answer), 201);
    const auto length = std::stoul(answer.substr(answer.find("Content-Length: ") + 16));
    EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, length - 5);
    EXPECT_EQ(names(), Names{"one"});
}

TEST_F(Fault, TrickleGivesTheWholeAnswerBitByBit) {
    faults.at("POST", "/auth/api_keys", fakes::trickle(milliseconds{1}));
    const auto answer = create("one");
    EXPECT_EQ(status_of(answer), 201);
    EXPECT_EQ(field(answer, "key").size(), 64U);
}

TEST_F(Fault, CorruptChangesTheBody) {
    faults.at("POST", "/auth/api_keys", fakes::corrupt([](const std::string& body) { return "{" + body; }));
    const auto answer = create("one");
    EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4, 2), "{{");
    EXPECT_EQ(names(), Names{"one"});
}

TEST_F(Fault, AnswerWithSaysWhatTheTestSaid) {
    faults.at("POST", "/auth/api_keys",
              fakes::answer_with(503, "<html>", "Retry-After: 7\r\nContent-Type: text/html\r\n"));
    const auto answer = create("one");
    EXPECT_EQ(status_of(answer), 503);
    EXPECT_NE(answer.find("Retry-After: 7\r\n"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("<html>"));
    EXPECT_EQ(names(), Names{});
    faults.at("POST", "/auth/api_keys", fakes::answer_after_with(500));
    EXPECT_EQ(status_of(create("one")), 500);
    EXPECT_EQ(names(), Names{"one"});
}

TEST_F(Fault, KeepsTheConnectionWhereTheAnswerIsWhole) {
    faults.at("GET", "/auth/api_keys", fakes::answer_with(503));
    const auto client = connect();
    EXPECT_EQ(status_of(client.call("GET", "/auth/api_keys", "", token)), 503);
    EXPECT_EQ(status_of(client.call("GET", "/auth/api_keys", "", token)), 200);
}

TEST_F(Fault, DelayBeforeWaitsForTheGate) {
    const auto gate = std::make_shared<Gate>();
    faults.at("POST", "/auth/api_keys", fakes::delay_before(gate));
    auto answer = std::async(std::launch::async, [&] { return create("one"); });
    ASSERT_TRUE(gate->reached());
    EXPECT_EQ(names(), Names{});
    gate->open();
    EXPECT_EQ(status_of(answer.get()), 201);
}

TEST_F(Fault, DelayAfterHasCommitted) {
    const auto gate = std::make_shared<Gate>();
    faults.at("POST", "/auth/api_keys", fakes::delay_after(gate));
    auto answer = std::async(std::launch::async, [&] { return create("one"); });
    ASSERT_TRUE(gate->reached());
    EXPECT_EQ(names(), Names{"one"});
    gate->open();
    EXPECT_EQ(status_of(answer.get()), 201);
}

TEST_F(Fault, LandLateCommitsAfterTheConnectionEnded) {
    const auto gate = std::make_shared<Gate>();
    faults.at("POST", "/auth/api_keys", fakes::land_late(gate));
    EXPECT_EQ(create("one"), "");
    EXPECT_EQ(names(), Names{});
    gate->open();
    running->stop();  // waits for what is under way
    EXPECT_EQ(names(), Names{"one"});
}

TEST_F(Fault, LandLateCommitsByItselfInTime) {
    const auto gate = std::make_shared<Gate>();
    faults.at("POST", "/auth/api_keys", fakes::land_late(gate, milliseconds{50}));
    EXPECT_EQ(create("one"), "");
    for (int i = 0; i < 6000 && names().empty(); ++i) std::this_thread::sleep_for(milliseconds{10});
    EXPECT_EQ(names(), Names{"one"});
}

TEST_F(Fault, StaleReadsShowWhatWas) {
    const auto first = field(create("one"), "_id");
    faults.show_keys("alice", store->keys("alice").value());
    const auto second = field(create("two"), "_id");
    EXPECT_EQ(connect().call("GET", "/auth/api_keys", "", token).find("two"), std::string::npos);
    EXPECT_EQ(status_of(connect().call("GET", "/auth/api_keys/" + second, "", token)), 404);
    EXPECT_EQ(status_of(connect().call("DELETE", "/auth/api_keys/" + first, "", token)), 204);
    EXPECT_EQ(status_of(connect().call("GET", "/auth/api_keys/" + first, "", token)), 200);
    EXPECT_EQ(status_of(create("two")), 409) << "writes know the truth";
    faults.show_truth();
    EXPECT_EQ(status_of(connect().call("GET", "/auth/api_keys/" + first, "", token)), 404);
    EXPECT_EQ(status_of(connect().call("GET", "/auth/api_keys/" + second, "", token)), 200);
}

TEST_F(Fault, AFunctionProviderIsOnWhereTheTestSetsIt) {
    const std::string login = "/app/app/auth/providers/custom-function/login";
    faults.set_function([](const std::string& body) -> std::optional<std::string> {
        if (body.find("open sesame") == std::string::npos) return std::nullopt;
        return "site-7";
    });
    EXPECT_EQ(status_of(connect().call("POST", login, R"({"say":"open sesame"})")), 404)
        << "not in the store";
    ASSERT_TRUE(store->set_provider("app", "custom-function", true, ""));
    EXPECT_EQ(status_of(connect().call("POST", login, R"({"say":"please"})")), 401);
    const auto in = connect().call("POST", login, R"({"say":"open sesame"})");
    EXPECT_EQ(status_of(in), 200);
    EXPECT_EQ(
        status_of(connect().call("POST", "/auth/api_keys", R"({"name":"n"})", field(in, "refresh_token"))),
        201);
}

TEST_F(Fault, WaitingEndsWhenTheServerStops) {
    const std::vector<std::pair<std::string, fakes::Fault>> waits{
        {"/app/app/location", fakes::delay_before(std::make_shared<Gate>())},
        {"/auth/api_keys", fakes::delay_after(std::make_shared<Gate>())},
        {"/auth/profile", fakes::trickle(milliseconds::max())},
        {"/auth/api_keys/late", fakes::land_late(std::make_shared<Gate>())},
        {"/auth/api_keys/later", fakes::land_late(std::make_shared<Gate>(), std::chrono::hours{1})}};
    std::atomic<int> reached = 0;
    for (const auto& [path, fault] : waits)
        faults.at("GET", path, [&reached, fault](Exchange& exchange) {
            ++reached;
            fault(exchange);
        });
    std::vector<Client> clients;
    for (const auto& [path, fault] : waits) {
        clients.push_back(connect());
        ASSERT_TRUE(clients.back().send(Client::request("GET", path, "", token)));
    }
    for (int i = 0; i < 6000 && reached < 5; ++i) std::this_thread::sleep_for(milliseconds{10});
    ASSERT_EQ(reached, 5);
    running->stop();  // would hang, and the test's time limit end it
    for (const auto& client : clients) EXPECT_EQ(client.read_to_end(), "");
}

}  // namespace
}  // namespace devkey::server
