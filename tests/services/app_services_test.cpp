// The adapter against devkey-server over TLS.
#include "services/app_services.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "misbehaving_system.hpp"
#include "real_service.hpp"

namespace devkey::services {
namespace {

using namespace std::chrono_literals;

TEST_F(RealService, GivesTheFirstKeyInSevenRequestsOverOneConnection) {
    serve(authority.issue("127.0.0.1"));
    const int accepted_before = accepted_connections();
    const auto service = make();
    EXPECT_EQ(service->log_in().value(), "user-1");
    EXPECT_TRUE(service->list()->empty());
    const auto created = service->create("name-1");
    ASSERT_TRUE(created) << created.error().message;
    EXPECT_EQ(created->secret.reveal().size(), 64U);
    EXPECT_EQ(service->prove(created->secret).value(), "user-1");
    service->rest();
    running->stop();
    EXPECT_EQ(accepted_connections() - accepted_before, 1);
    EXPECT_EQ(served, (std::vector<std::string>{"GET /app/app/location 200",
                                                "POST /app/app/auth/providers/local-userpass/login 200",
                                                "GET /auth/api_keys 200", "POST /auth/api_keys 201",
                                                "POST /app/app/auth/providers/api-key/login 200",
                                                "DELETE /auth/session 204", "DELETE /auth/session 204"}));
}

TEST_F(RealService, DoesEveryCallAndNamesEveryError) {
    serve(authority.issue("127.0.0.1"));
    const auto service = make();
    const auto created = service->create("name-1").value();
    EXPECT_EQ(service->create("name-1").error().kind, ErrorKind::Conflict);
    EXPECT_EQ(service->create("not a name").error().kind, ErrorKind::InvalidInput);
    EXPECT_EQ(service->get(created.id)->name, "name-1");
    EXPECT_TRUE(service->disable(created.id));
    EXPECT_TRUE(service->disable(created.id));
    EXPECT_FALSE(service->get(created.id)->enabled);
    EXPECT_EQ(service->prove(created.secret).error().kind, ErrorKind::Unauthenticated);
    EXPECT_TRUE(service->enable(created.id));
    EXPECT_TRUE(service->prove(created.secret));
    EXPECT_TRUE(service->remove(created.id));
    EXPECT_TRUE(service->remove(created.id));
    EXPECT_EQ(service->get(created.id).error().kind, ErrorKind::NotFound);
    EXPECT_EQ(service->enable(created.id).error().kind, ErrorKind::NotFound);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(service->create("n" + std::to_string(i)));
    EXPECT_EQ(service->create("n20").error().kind, ErrorKind::LimitReached);
    EXPECT_EQ(service->list()->size(), 20U);
}

TEST_F(RealService, OpensAnEndedSessionAnewOnce) {
    serve(authority.issue("127.0.0.1"));
    const auto service = make();
    ASSERT_TRUE(service->log_in());
    ASSERT_TRUE(store->disable_user("user-1"));  // ends all sessions, and lets no new one begin
    EXPECT_EQ(service->list().error().kind, ErrorKind::Unauthenticated);
    EXPECT_EQ(std::ranges::count(served, "POST /app/app/auth/providers/local-userpass/login 401"), 1);
}

TEST_F(RealService, CanBeLeftWhereTheSystemHasNoThreadLeft) {
    serve(authority.issue("localhost"));
    settings.url = "https://localhost:" + std::to_string(running->port());
    const auto service = make();
    ASSERT_TRUE(service->log_in());
    running->stop();  // so that a log-out connects anew, and looks the name up
    const NoThreadLeft none;
    service->rest();  // noexcept: what it throws ends the process
    EXPECT_EQ(service->log_in().error().kind, ErrorKind::Unavailable);
}

TEST_F(RealService, WithProviderOffSaysSo) {
    serve(authority.issue("127.0.0.1"));
    ASSERT_TRUE(store->set_provider("app", "local-userpass", false, ""));
    EXPECT_EQ(make()->log_in().error().kind, ErrorKind::ProviderOff);
}

TEST_F(RealService, WithAWrongAppSaysWhichSetting) {
    serve(authority.issue("127.0.0.1"));
    settings.app = "other";
    const auto error = make()->log_in().error();
    EXPECT_EQ(error.kind, ErrorKind::InvalidInput);
    EXPECT_NE(error.message.find("service.app"), std::string::npos);
}

TEST_F(RealService, NamesTheHostAndARemedyInItsErrors) {
    serve(authority.issue("127.0.0.1"));
    const auto service = make();
    faults.at("GET", "/auth/api_keys", fakes::answer_with(503, "", "Retry-After: 7\r\n"));
    const auto busy = service->list().error();
    EXPECT_EQ(busy.retry_after, 7s);
    EXPECT_TRUE(holds(busy, "service " + settings.url + " answered 503 to GET ")) << busy.message;
    EXPECT_TRUE(holds(busy, "; it's asked again later")) << busy.message;
    faults.at("POST", "/auth/api_keys", fakes::answer_with(403));
    EXPECT_TRUE(holds(service->create("name-1").error(), "check its rights on the service"));
    faults.at("GET", "/auth/api_keys", fakes::answer_with(301));
    EXPECT_TRUE(holds(service->list().error(), "service.url"));
}

TEST_F(RealService, QuotesNothingOfALogInThatCouldBeASecret) {
    serve(authority.issue("127.0.0.1"));
    const auto service = make();
    for (const char* code : {"hunter22", "unter2", "a\\u001b[31mb", "no code, but a sentence"}) {
        faults.at("POST", "/local-userpass/login",
                  fakes::answer_with(
                      401, std::string(R"({"error":"hunter22 is wrong","error_code":")") + code + "\"}"));
        const auto error = service->log_in().error();
        EXPECT_TRUE(holds(error, "/login; check the owner's name and secret")) << error.message;
    }
    faults.at("POST", "/local-userpass/login",
              fakes::answer_with(401, R"({"error":"x","error_code":"InvalidPassword"})"));
    EXPECT_TRUE(holds(service->log_in().error(), "/login (InvalidPassword); "));
}

TEST_F(RealService, TellsTheTime) {
    serve(authority.issue("127.0.0.1"));
    const auto service = make();
    EXPECT_FALSE(service->server_date());
    clock.go_on(core::Millis{5000});
    ASSERT_TRUE(service->log_in());
    const auto told = service->server_date();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->came, clock.boot_now());
    const auto now = std::chrono::system_clock::now();
    EXPECT_LT(std::chrono::abs(told->date - now), std::chrono::minutes{5});
    service->rest();
    EXPECT_TRUE(service->server_date());
}

TEST_F(RealService, IsTrustedByTheLastTimeThatWasSeenWhereTheClockStartsIn1970) {
    serve(authority.issue("127.0.0.1"));
    const auto seen = clock.now();
    clock.start_in_1970();
    const auto service = make();
    expect_insecure(*service, "not yet valid");
    service->set_floor(seen);
    EXPECT_TRUE(service->log_in());
}

TEST_F(RealService, LetsNoIdFromTheDiskLeadToAnotherPath) {
    serve(authority.issue("127.0.0.1"));
    const auto service = make();
    for (const char* id : {"", "..", "../session", "a/disable", "a?b", "a%2e", "a b", "a\r\nX: y"}) {
        EXPECT_EQ(service->get(id).error().kind, ErrorKind::InvalidInput) << id;
        EXPECT_EQ(service->enable(id).error().kind, ErrorKind::InvalidInput) << id;
        EXPECT_EQ(service->disable(id).error().kind, ErrorKind::InvalidInput) << id;
        EXPECT_EQ(service->remove(id).error().kind, ErrorKind::InvalidInput) << id;
    }
    EXPECT_TRUE(served.empty());
}

}  // namespace
}  // namespace devkey::services
