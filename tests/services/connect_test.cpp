// What may hang or fail before a request is sent, and that an abort ends it.
#include "services/connect.hpp"

#include <gtest/gtest.h>

#include <future>

#include "full_backlog.hpp"
#include "misbehaving_system.hpp"
#include "services/http.hpp"
#include "set_clock.hpp"

namespace devkey::services {
namespace {

using core::ErrorKind;
using namespace std::chrono_literals;

core::ServiceSettings patient() {
    return {.url = {},
            .app = {},
            .ca_file = {},
            .allowed_hosts = {},
            .plain_http = true,
            .connect_timeout = 20s,
            .request_timeout = 20s};
}

class Connecting : public testing::Test {
 protected:
    using Outcome = core::Result<Poco::Net::StreamSocket>;
    std::future<Outcome> start(Origin origin, std::chrono::milliseconds patience = 20s) {
        return std::async(std::launch::async, [this, origin = std::move(origin), patience] {
            return connect_to(origin, patient(), core::Instant{}, interrupter,
                              std::chrono::steady_clock::now() + patience);
        });
    }
    /// A generous bound: what isn't ended by the abort takes 20 s.
    static void expect_ended(std::future<Outcome>& connecting) {
        ASSERT_EQ(connecting.wait_for(2s), std::future_status::ready);
        const auto outcome = connecting.get();
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().kind, ErrorKind::Unavailable);
    }

    Interrupter interrupter;
};

TEST_F(Connecting, ThatGetsNoAnswerIsEndedByAnAbort) {
    const FullBacklog server;
    auto connecting = start({.tls = false, .host = "127.0.0.1", .port = server.port()});
    ASSERT_TRUE(server.wait_for_attempt());
    interrupter.abort();
    expect_ended(connecting);
}

TEST_F(Connecting, ThatGetsNoAnswerDoesNotBeginAfterAnAbort) {
    const FullBacklog server;
    interrupter.abort();
    auto connecting = start({.tls = false, .host = "127.0.0.1", .port = server.port()});
    expect_ended(connecting);
}

TEST_F(Connecting, ThatGetsNoAnswerEndsAtItsDeadline) {
    const FullBacklog server;
    auto connecting = start({.tls = false, .host = "127.0.0.1", .port = server.port()}, 200ms);
    expect_ended(connecting);
}

TEST_F(Connecting, WithAHandshakeThatHangsEndsAtItsDeadlineAndByAnAbort) {
    // Takes connections (the kernel does), and never says a word.
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener, 8), 0);
    ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    const Origin origin{.tls = true, .host = "127.0.0.1", .port = ntohs(address.sin_port)};
    auto first = start(origin, 200ms);
    expect_ended(first);
    auto second = start(origin);
    ::close(::accept(listener, nullptr, nullptr));
    const int client = ::accept(listener, nullptr, nullptr);
    char byte = 0;
    EXPECT_EQ(::recv(client, &byte, 1, 0), 1);  // its first words are here
    interrupter.abort();
    expect_ended(second);
    ::close(client);
    ::close(listener);
}

TEST_F(Connecting, WithAHungLookUpIsEndedByAnAbort) {
    const HungLookUps hung;
    auto connecting = start({.tls = true, .host = hanging_name, .port = 443});
    HungLookUps::wait_for_one();
    interrupter.abort();
    expect_ended(connecting);
}

TEST_F(Connecting, WithAHungLookUpEndsAtItsDeadline) {
    const HungLookUps hung;
    auto connecting = start({.tls = true, .host = hanging_name, .port = 443}, 200ms);
    expect_ended(connecting);
}

TEST_F(Connecting, WithNoThreadForTheLookUpSaysSo) {
    const NoThreadLeft none;
    const SetClock clock;
    Http http(patient(), clock, interrupter);
    const auto answer =
        http.send({.tls = false, .host = "localhost", .port = 1}, {.method = "GET", .path = "/"});
    ASSERT_FALSE(answer);
    EXPECT_FALSE(answer.error().sent);
    EXPECT_EQ(answer.error().error.kind, ErrorKind::Unavailable);
}

}  // namespace
}  // namespace devkey::services
