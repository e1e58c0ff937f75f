#include "services/http.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "scripted_server.hpp"
#include "set_clock.hpp"

namespace devkey::services {
namespace {

using core::ErrorKind;
using namespace std::chrono_literals;

core::ServiceSettings plain(core::Millis timeout = 20s) {
    return {.url = {},
            .app = {},
            .ca_file = {},
            .allowed_hosts = {},
            .plain_http = true,
            .connect_timeout = 5s,
            .request_timeout = timeout};
}

struct Client {
    explicit Client(const std::vector<Answer>& script, core::Millis timeout = 20s)
        : server(script), http(plain(timeout), clock, interrupter) {}
    auto get() { return http.send(parse_origin(server.url()).value(), {.method = "GET", .path = "/x"}); }
    auto post() {
        return http.send(parse_origin(server.url()).value(),
                         {.method = "POST", .path = "/x", .body = core::Secret{"{}"}, .repeatable = false});
    }

    ScriptedServer server;
    SetClock clock;
    Interrupter interrupter;
    Http http;
};

TEST(Http, ReusesItsConnection) {
    Client client({{.bytes = http_answer(200, "one")},
                   {.bytes = http_answer(204, "")},
                   {.bytes = http_answer(500, "three")}});
    EXPECT_EQ(client.get()->body.reveal(), "one");
    EXPECT_EQ(client.post()->status, 204);
    EXPECT_EQ(client.get()->status, 500);
    EXPECT_EQ(client.http.connections_made(), 1U);
}

TEST(Http, RepeatsOnlyWhatMayBeRepeatedOnADeadConnection) {
    Client client({{.bytes = http_answer(200, "one"), .close = true},
                   {.bytes = http_answer(200, "two"), .close = true},
                   {.bytes = http_answer(200, "x")}});
    ASSERT_TRUE(client.get());
    EXPECT_EQ(client.get()->body.reveal(), "two");
    EXPECT_EQ(client.http.connections_made(), 2U);
    const auto lost = client.post();
    ASSERT_FALSE(lost);
    EXPECT_TRUE(lost.error().sent);
}

TEST(Http, SendsACreateOnlyOnAConnectionThatJustAnswered) {
    Client client({{.bytes = http_answer(200, "one")}, {.bytes = http_answer(201, "two")}});
    ASSERT_TRUE(client.get());
    client.clock.go_on(2s);
    ASSERT_TRUE(client.post());
    EXPECT_EQ(client.http.connections_made(), 1U);
}

TEST(Http, ConnectsAnewForACreateAfterAPauseOrASleep) {
    Client client({{.bytes = http_answer(200, "one"), .close = true}, {.bytes = http_answer(201, "two")}});
    ASSERT_TRUE(client.get());
    client.clock.go_on(2001ms);  // boot time counts a sleep, too
    EXPECT_EQ(client.post()->status, 201);
    EXPECT_EQ(client.http.connections_made(), 2U);
}

TEST(Http, EndsATrickledHeaderAndATrickledBodyAtTheDeadline) {
    for (const std::string start : {"HTTP/1.1 200 O", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx"}) {
        Client client({{.bytes = start, .close = true, .trickle = true}}, 300ms);
        const auto answer = client.get();
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().error.kind, ErrorKind::Unavailable);
        EXPECT_TRUE(answer.error().sent);
    }
}

TEST(Http, NoticesAnAnswerThatIsCutOff) {
    Client client({{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", .close = true},
                   {.bytes = "HTTP/1.1 20", .close = true}});
    EXPECT_FALSE(client.get());
    EXPECT_FALSE(client.get());
}

TEST(Http, RefusesAnAnswerOrAHeaderThatIsTooLong) {
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 500; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
    std::string endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 17; ++i) endless += "10000\r\n" + std::string(1U << 16U, 'x') + "\r\n";
    Client client({{.bytes = http_answer(200, std::string(1U << 20U, 'x')), .close = true},
                   {.bytes = http_answer(200, std::string((1U << 20U) + 1, 'x')), .close = true},
                   {.bytes = endless, .close = true},
                   {.bytes = many + "\r\n", .close = true}});
    EXPECT_EQ(client.post()->body.reveal().size(), 1U << 20U);
    for (int i = 0; i < 2; ++i) {
        client.http.close();
        const auto long_one = client.post();
        ASSERT_FALSE(long_one);
        EXPECT_NE(long_one.error().error.message.find("longer than 1 MiB"), std::string::npos);
    }
    EXPECT_FALSE(client.get());
}

TEST(Http, AnswersARedirectAndFollowsNone) {
    Client client({{.bytes = http_answer(301, "", "Location: http://127.0.0.1:1/\r\n")}});
    EXPECT_EQ(client.get()->status, 301);
    EXPECT_EQ(client.server.requests().size(), 1U);
}

TEST(Http, ReadsRetryAfterInSecondsAndAsADate) {
    Client client({{.bytes = http_answer(429, "", "Retry-After: 120\r\n")},
                   {.bytes = http_answer(503, "", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n")},
                   {.bytes = http_answer(503, "", "Retry-After: 99999999\r\n")},
                   {.bytes = http_answer(503, "", "Retry-After: soon\r\n")}});
    EXPECT_EQ(client.get()->retry_after, 120s);
    EXPECT_EQ(client.get()->retry_after, 1s);
    EXPECT_EQ(client.get()->retry_after, 24h);
    EXPECT_FALSE(client.get()->retry_after);
}

TEST(Http, IsEndedFromAnotherThread) {
    Client client({{.bytes = "H", .close = true, .trickle = true}}, 600s);
    std::jthread other([&] {
        while (client.server.requests().empty()) std::this_thread::yield();
        client.interrupter.abort();
    });
    EXPECT_FALSE(client.get());
    EXPECT_FALSE(client.get());
}

TEST(Http, SaysThatNothingWasSentWhereNobodyListens) {
    const SetClock clock;
    Interrupter interrupter;
    Http http(plain(), clock, interrupter);
    const auto answer =
        http.send({.tls = false, .host = "127.0.0.1", .port = 1}, {.method = "GET", .path = "/"});
    ASSERT_FALSE(answer);
    EXPECT_FALSE(answer.error().sent);
    EXPECT_EQ(answer.error().error.kind, ErrorKind::Unavailable);
}

}  // namespace
}  // namespace devkey::services
