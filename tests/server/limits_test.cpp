// Clients that trickle, flood and lie, over real sockets.
#include <future>
#include <thread>

#include "running_server.hpp"
#include "server/connections.hpp"

namespace devkey::server {
namespace {

using std::chrono::milliseconds;

const std::string location = "/app/app/location";

class Limit : public RunningServer {
 protected:
    void be_patient_for(milliseconds patience) {
        Listen listen{.host = "127.0.0.1", .port = 0, .tls_cert = {}, .tls_key = {}};
        listen.limits.patience = patience;
        start(listen);
    }
    /// Sends byte by byte until the server has had enough; false: it never had.
    static bool trickle(const Client& client, const std::string& bytes) {
        client.send(bytes);
        for (int i = 0; i < 6000; ++i) {
            if (!client.send("x")) return true;
            std::this_thread::sleep_for(milliseconds{10});
        }
        return false;
    }
};

const std::string head =
    "POST /api/client/v2.0/app/app/auth/providers/anon-user/login HTTP/1.1\r\nHost: h\r\n";

TEST_F(Limit, AHeadThatTricklesIsEnded) {
    be_patient_for(milliseconds{300});
    EXPECT_TRUE(trickle(connect(), "GET /api"));
    EXPECT_TRUE(trickle(connect(), head + "X: "));
}

TEST_F(Limit, ABodyThatTricklesIsEnded) {
    be_patient_for(milliseconds{300});
    EXPECT_TRUE(trickle(connect(), head + "Content-Length: 60000\r\n\r\n"));
    EXPECT_TRUE(trickle(connect(), head + "Transfer-Encoding: chunked\r\n\r\nEA60\r\n"));
}

TEST_F(Limit, ASecondRequestThatTricklesIsEndedToo) {
    be_patient_for(milliseconds{300});
    const auto client = connect();
    EXPECT_EQ(status_of(client.call("GET", location)), 200);
    EXPECT_TRUE(trickle(client, "GET /api"));
}

TEST_F(Limit, ASilentOrIdleConnectionIsEnded) {
    be_patient_for(milliseconds{300});
    EXPECT_EQ(connect().read_to_end(), "");
    const auto idle = connect();
    EXPECT_EQ(status_of(idle.call("GET", location)), 200);
    EXPECT_EQ(idle.read_to_end(), "");
}

TEST_F(Limit, ARequestUnderWayIsNot) {
    be_patient_for(milliseconds{300});
    const auto gate = std::make_shared<fakes::Gate>();
    faults.at("GET", location, fakes::delay_before(gate));
    auto answer = std::async(std::launch::async, [&] { return connect().call("GET", location); });
    ASSERT_TRUE(gate->reached());
    EXPECT_EQ(connect().read_to_end(), "");  // 300 ms are over
    gate->open();
    EXPECT_EQ(status_of(answer.get()), 200);
}

TEST_F(Limit, OneAddressCantTakeEveryThread) {
    std::vector<Client> crowd;
    for (int i = 0; i < 200; ++i) {
        crowd.push_back(connect());
        crowd.back().send("GET /api");
    }
    const Client other(running->port(), "127.0.0.2");
    EXPECT_EQ(status_of(other.call("GET", location)), 200);
    crowd.clear();
    std::string answer;  // the places are given back, soon
    for (int i = 0; i < 600 && status_of(answer) != 200; ++i) {
        answer = connect().call("GET", location);
        if (answer.empty()) std::this_thread::sleep_for(milliseconds{10});
    }
    EXPECT_EQ(status_of(answer), 200);
}

TEST_F(Limit, ACrowdOfOneAddressIsServed) {
    std::vector<Client> crowd;
    for (int i = 0; i < 60; ++i) crowd.push_back(connect());
    for (const auto& client : crowd) EXPECT_EQ(status_of(client.call("GET", location)), 200);
}

TEST_F(Limit, HeadersAreFewShortAndNotMuchInAll) {
    const auto with = [this](const std::string& headers) {
        const auto client = connect();
        client.send("GET /api/client/v2.0/app/app/location HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n");
        return status_of(client.read_answer());
    };
    std::string many;
    for (int i = 0; i < 101; ++i) many += "X" + std::to_string(i) + ": 1\r\n";
    EXPECT_EQ(with("X: " + std::string(8000, 'x') + "\r\n"), 200);
    EXPECT_EQ(with(many), 400);
    EXPECT_EQ(with("X: " + std::string(9000, 'x') + "\r\n"), 400);
    EXPECT_EQ(with(std::string(300, 'x') + ": 1\r\n"), 400);
    std::string much;
    for (int i = 0; i < 3; ++i) much += "X" + std::to_string(i) + ": " + std::string(8000, 'x') + "\r\n";
    EXPECT_EQ(with(much), 431);
}

TEST_F(Limit, BodiesEndAt64KiB) {
    const auto of_size = [this](std::size_t size) {
        return status_of(connect().call("POST", "/app/app/auth/providers/local-userpass/login",
                                        "{\"x\":\"" + std::string(size - 8, 'x') + "\"}"));
    };
    EXPECT_EQ(of_size(64U << 10U), 400);  // read, and without a username
    EXPECT_EQ(of_size((64U << 10U) + 1), 413);
    const auto client = connect();
    client.send(head + "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 17; ++i) client.send("1000\r\n" + std::string(4096, 'x') + "\r\n");
    EXPECT_EQ(status_of(client.read_answer()), 413);
}

TEST_F(Limit, ABodyOfTwoLengthsIsRefused) {
    for (const char* lengths : {"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
                                "Content-Length: 2\r\nContent-Length: 3\r\n"}) {
        const auto client = connect();
        client.send(head + lengths + "\r\n{}");
        EXPECT_EQ(status_of(client.read_to_end()), 400) << lengths;
    }
}

TEST_F(Limit, ABodyOfNoLengthIsEmpty) {
    const auto client = connect();
    client.send("PUT /api/client/v2.0/auth/api_keys/1/enable HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(status_of(client.read_answer()), 401);
}

TEST_F(Limit, StoppingAnswersWhatIsUnderWayAndWaitsForNobodyElse) {
    const auto idle = connect();
    EXPECT_EQ(status_of(idle.call("GET", location)), 200);
    const auto slow = connect();
    slow.send("GET /api");
    const auto gate = std::make_shared<fakes::Gate>();
    faults.at("GET", location, [gate](Exchange& exchange) {
        const auto answer = exchange.carry_out();
        EXPECT_TRUE(gate->wait({}));
        exchange.send(exchange.bytes_of(answer));
    });
    auto answer = std::async(std::launch::async, [&] { return connect().call("GET", location); });
    ASSERT_TRUE(gate->reached());
    auto stopped = std::async(std::launch::async, [&] { running->stop(); });
    EXPECT_EQ(idle.read_to_end(), "");
    EXPECT_NE(status_of(slow.read_to_end()), 200);
    gate->open();
    const auto got = answer.get();
    EXPECT_EQ(status_of(got), 200);
    EXPECT_NE(got.find("Connection: Close"), std::string::npos);
    stopped.get();
}

TEST_F(Limit, LocationNamesAHostAndNothingElse) {
    const auto with = [this](const std::string& host) {
        const auto client = connect();
        client.send("GET /api/client/v2.0/app/app/location HTTP/1.1\r\n" + host + "\r\n");
        return client.read_answer();
    };
    for (const char* host : {"keys.example", "keys.example:9443", "192.0.2.1:1", "[2001:db8::1]:9443"}) {
        const auto answer = with(std::string("Host: ") + host + "\r\n");
        EXPECT_EQ(field(answer, "hostname"), std::string("http://") + host);
        EXPECT_EQ(field(answer, "ws_hostname"), std::string("ws://") + host);
    }
    for (const char* host :
         {"", "Host: \r\n", "Host: a/b\r\n", "Host: me@thief\r\n", "Host: h:1:2\r\n", "Host: h\"\r\n"})
        EXPECT_EQ(status_of(with(host)), 400) << host;
    start({"127.0.0.1", 0, "", "", "https://keys.example"});
    EXPECT_EQ(field(with("Host: thief\r\n"), "hostname"), "https://keys.example");
    EXPECT_FALSE(Server::start({"127.0.0.1", 0, "", "", "keys.example/x"}, *api, [](const auto&) {}));
}

TEST(ClientOf, IsAnIpv4AddressOrAnIpv6Site) {
    using Poco::Net::IPAddress;
    EXPECT_EQ(client_of(IPAddress("192.0.2.7")), "192.0.2.7");
    EXPECT_EQ(client_of(IPAddress("2001:db8:1:2:3:4:5:6")), "2001:db8:1:2::");
    EXPECT_NE(client_of(IPAddress("::ffff:192.0.2.7")), client_of(IPAddress("::ffff:192.0.2.8")));
}

}  // namespace
}  // namespace devkey::server
