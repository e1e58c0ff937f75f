// Answers that are lost, late, torn, slow or wrong: whatever the service does, the device ends with one key,
// and on the way no key is there that its state doesn't name.
#include <atomic>
#include <functional>
#include <future>
#include <regex>

#include "e2e/story.hpp"

namespace devkey::e2e {
namespace {

using fakes::Gate;
using std::chrono::milliseconds;

const std::string keys = "/auth/api_keys";
const std::string owner_log_in = "local-userpass/login";
const std::string key_log_in = "api-key/login";
const std::string log_out = "/auth/session";
// Short for a test that waits it out, long for a busy machine that must not.
constexpr const char* short_timeout = "2s";

std::string name_in(const Poco::JSON::Object& state, const std::string& part) {
    return state.getObject(part)->getValue<std::string>("name");
}

// ---- a create that was carried out, and whose answer nobody could use ----

struct Loss {
    const char* name;
    std::function<fakes::Fault()> fault;
    const char* timeout = "";

    friend void PrintTo(const Loss& loss, std::ostream* out) { *out << loss.name; }
};

std::string another_name(std::string body) {
    const auto at = body.find("devkey-");
    return body.replace(at, 7, "yekved-");
}

struct LostCreate : Story, testing::WithParamInterface<Loss> {};

TEST_P(LostCreate, IsSettledByTheNextRun) {
    set_timeout(GetParam().timeout);
    service.faults.at("POST", keys, GetParam().fault());
    expect_run(75, "answer-lost");
    EXPECT_EQ(service.key_names(), std::vector{name_in(*state(), "intent")});
    const auto stray = service.keys().at(0).id;
    EXPECT_FALSE(device.has_credential());

    set_timeout("");
    expect_settled_by_a_run();
    EXPECT_EQ(service.count_of("POST api_keys 409"), 1U) << "the fence: the same name, once more";
    EXPECT_NE(device.credential("key_id"), stray);
}

INSTANTIATE_TEST_SUITE_P(
    E2e, LostCreate,
    testing::Values(
        Loss{"dropped", [] { return fakes::drop_after(); }},
        Loss{"cut_off_in_the_body", [] { return fakes::cut_off(5); }},
        Loss{"cut_off_in_the_headers", [] { return fakes::cut_off(250); }},
        Loss{"not_json", [] { return fakes::corrupt([](const std::string& body) { return "{" + body; }); }},
        Loss{"empty", [] { return fakes::corrupt([](const std::string&) { return ""; }); }},
        Loss{"of_another_name", [] { return fakes::corrupt(another_name); }},
        Loss{"answered_500", [] { return fakes::answer_after_with(500); }},
        Loss{"answered_by_a_gateway", [] { return fakes::answer_after_with(504, "<html>"); }},
        Loss{"never_answered", [] { return fakes::delay_after(std::make_shared<Gate>()); }, short_timeout},
        Loss{"trickled", [] { return fakes::trickle(milliseconds{200}); }, short_timeout}));

using LostAnswers = Story;

TEST_F(LostAnswers, OfSeveralCreatesInARowAreSettledToo) {
    service.faults.always("POST", keys, fakes::drop_after());
    expect_run(75, "answer-lost");
    expect_run(75, "answer-lost");
    expect_run(75, "answer-lost");
    EXPECT_LE(service.key_names().size(), 1U);
    service.faults.clear();
    expect_settled_by_a_run();
}

TEST_F(LostAnswers, AreSettledByTheDaemonItself) {
    service.faults.at("POST", keys, fakes::drop_after());
    Daemon daemon(device);
    EXPECT_TRUE(daemon.tells("STATUS=answer-lost")) << daemon.process().errors();
    EXPECT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    EXPECT_TRUE(daemon.tells("READY=1")) << daemon.process().errors();
    expect_only_the_published_key();
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
}

TEST_F(LostAnswers, OfTheRemovalOfAStrayAreNoHindrance) {
    service.faults.at("POST", keys, fakes::drop_after());
    expect_run(75, "answer-lost");
    const auto stray = service.keys().at(0).id;
    // A removal may be repeated on a fresh connection, and is: so both are lost.
    service.faults.at("DELETE", "/auth/api_keys/" + stray, fakes::drop_after(), 1);
    service.faults.at("DELETE", "/auth/api_keys/" + stray, fakes::drop_after(), 2);
    expect_run(75, "answer-lost");
    EXPECT_TRUE(service.key_names().empty());
    expect_settled_by_a_run();
    EXPECT_NE(device.credential("key_id"), stray);
}

TEST_F(LostAnswers, OfTheNewKeysLogInCostNothing) {
    service.faults.at("POST", key_log_in, fakes::answer_after_with(500));
    expect_run(75, "service-unavailable");
    const auto pending = service.key_names();
    ASSERT_EQ(pending.size(), 1U);
    expect_settled_by_a_run();
    EXPECT_EQ(service.key_names(), pending) << "the same key, and no other";
}

TEST_F(LostAnswers, OfLogOutsHarmNobody) {
    service.faults.at("DELETE", log_out, fakes::drop_before(), 1);
    service.faults.at("DELETE", log_out, fakes::answer_with(503), 2);
    expect_settled_by_a_run();
}

TEST_F(LostAnswers, OfALogOutThatHangsHoldUpNothingForLong) {
    set_timeout(short_timeout);
    service.faults.at("DELETE", log_out, fakes::delay_before(std::make_shared<Gate>()), 2);
    expect_settled_by_a_run();
}

// ---- a create that lands after the agent gave it up ----

struct LateLanding : Story {
    /// The first create: its connection ends at once; it is carried out when the gate opens.
    void let_the_first_create_land_late() {
        service.faults.at("POST", keys, [this](server::Exchange& exchange) {
            exchange.close();
            landed = gate->wait(exchange.stopping()) ? exchange.carry_out().status : 0;
        });
        // A run ends by logging out: were that heard, the create would find its session gone.
        service.faults.always("DELETE", log_out, fakes::drop_before());
        expect_run(75, "answer-lost");
        EXPECT_TRUE(gate->reached());
        EXPECT_TRUE(service.key_names().empty());
        name = name_in(*state(), "intent");
    }
    void land() {
        gate->open();
        ASSERT_TRUE(fakes::wait_until([this] { return landed.load() != 0; }));
    }
    std::shared_ptr<Gate> gate = std::make_shared<Gate>();
    std::atomic<int> landed = 0;  ///< the answer that nobody heard
    std::string name;
};

TEST_F(LateLanding, BeforeTheRetryMeetsTheFenceAndIsRemoved) {
    let_the_first_create_land_late();
    land();
    const auto stray = service.keys().at(0);
    EXPECT_EQ(stray.name, name);
    expect_settled_by_a_run();
    EXPECT_NE(device.credential("key_id"), stray.id);
    EXPECT_EQ(service.count_of("POST api_keys 409"), 1U);
}

TEST_F(LateLanding, AfterTheRetryCannotLandAnyMore) {
    let_the_first_create_land_late();
    expect_settled_by_a_run();
    EXPECT_EQ(device.credential("key_name"), name) << "the same name: that is the fence";
    land();
    EXPECT_EQ(landed, 409);
    expect_only_the_published_key();
    expect_settled_by_a_run();
}

TEST_F(LateLanding, AfterARetryThatWasLostTooIsSettled) {
    let_the_first_create_land_late();
    service.faults.at("POST", keys, fakes::drop_after());
    expect_run(75, "answer-lost");
    land();
    EXPECT_EQ(service.key_names(), std::vector{name});
    expect_settled_by_a_run();
}

// ---- a service that lags ----

using Lag = Story;

TEST_F(Lag, OfTheListIsWaitedOutBeforeAnotherKeyIsMade) {
    service.faults.show_keys("user-1", {});
    service.faults.at("POST", keys, fakes::drop_after());
    expect_run(75, "answer-lost");
    auto run = std::async(std::launch::async, [this] { return device.once(); });
    const auto lists = service.count_of("GET api_keys 200");
    EXPECT_TRUE(fakes::wait_until([&] { return service.count_of("GET api_keys 200") >= lists + 2; }));
    EXPECT_EQ(service.count_of("POST api_keys 201"), 0U) << "while the stray is missing, no other";
    service.faults.show_truth();
    const auto ended = run.get();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    expect_only_the_published_key();
}

TEST_F(Lag, OfAListThatStillShowsTheRemovedStrayIsNoTwin) {
    service.faults.at("POST", keys, fakes::drop_after());
    expect_run(75, "answer-lost");
    service.faults.show_keys("user-1", service.keys());
    expect_settled_by_a_run();
}

TEST_F(Lag, UntilANewKeyIsAcceptedIsWaitedOut) {
    service.faults.at("POST", key_log_in, fakes::answer_with(401), 1);
    service.faults.at("POST", key_log_in, fakes::answer_with(401), 2);
    Daemon daemon(device);
    EXPECT_TRUE(daemon.tells("STATUS=new-key-not-accepted-yet")) << daemon.process().errors();
    EXPECT_FALSE(device.has_credential());
    EXPECT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    expect_only_the_published_key();
    EXPECT_EQ(device.credential("generation"), "1");
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
}

TEST_F(Lag, IsPartOfARunWithOnce) {
    service.faults.at("POST", key_log_in, fakes::answer_with(401));
    expect_settled_by_a_run();
    EXPECT_EQ(device.credential("generation"), "1");
}

TEST_F(Lag, WithoutAnEndMeansThatTheNewKeyIsRemoved) {
    set_patience("1s");
    service.faults.always("POST", key_log_in, fakes::answer_with(401));
    expect_run(75, "new-key-refused");
    EXPECT_TRUE(service.key_names().empty());
    EXPECT_FALSE(device.has_credential());
    service.faults.clear();
    expect_settled_by_a_run();
    EXPECT_EQ(service.count_of("POST api_keys 201"), 2U);
}

TEST_F(Lag, OfAKeyWhoseValueWasGarbledOnTheWayEndsWithAnother) {
    set_patience("1s");
    service.faults.at("POST", keys, fakes::corrupt([](std::string body) {
                          return std::regex_replace(body, std::regex(R"("key":"....)"), R"("key":"0000)");
                      }));
    expect_run(75, "new-key-refused");
    EXPECT_TRUE(service.key_names().empty());
    expect_settled_by_a_run();
}

// ---- refusals, and answers that aren't the service's ----

struct Refusal {
    const char* method;
    std::string path_end;
    int status;

    friend void PrintTo(const Refusal& refusal, std::ostream* out) {
        *out << refusal.method << ' ' << refusal.path_end << ' ' << refusal.status;
    }
};

struct Unavailable : Story, testing::WithParamInterface<Refusal> {};

TEST_P(Unavailable, ChangesNothingAndIsOverWithIt) {
    const auto& [method, path_end, status] = GetParam();
    service.faults.always(method, path_end, fakes::answer_with(status, "<html>sorry</html>"));
    expect_run(75, "service-unavailable");
    EXPECT_TRUE(service.key_names().empty());
    service.faults.clear();
    expect_settled_by_a_run();
    EXPECT_EQ(device.credential("generation"), "1");
}

INSTANTIATE_TEST_SUITE_P(E2e, Unavailable,
                         testing::Values(Refusal{"GET", "/location", 503}, Refusal{"POST", owner_log_in, 500},
                                         Refusal{"GET", keys, 502}));

using Refused = Story;

TEST_F(Refused, CreateBeforeItLandedIsSentAgainUnderItsName) {
    service.faults.at("POST", keys, fakes::answer_with(503));
    expect_run(75, "answer-lost");
    const auto name = name_in(*state(), "intent");
    expect_settled_by_a_run();
    EXPECT_EQ(device.credential("key_name"), name);
}

TEST_F(Refused, LogInThatTricklesEndsWithItsTime) {
    set_timeout(short_timeout);
    service.faults.at("POST", owner_log_in, fakes::trickle(milliseconds{200}));
    expect_run(75, "service-unavailable");
    set_timeout("");
    expect_settled_by_a_run();
}

TEST_F(Refused, RetryAfterIsHonoured) {
    service.faults.always("POST", owner_log_in, fakes::answer_with(429, "", "Retry-After: 7200\r\n"));
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, 75);
    EXPECT_EQ(run.reason, "rate-limited");
    std::smatch again;
    // Two hours, and up to a quarter more.
    ASSERT_TRUE(std::regex_search(run.err, again, std::regex("again_in=([0-9]+)h"))) << run.err;
    EXPECT_EQ(again[1], "2") << run.err;
}

TEST_F(Refused, RetryAfterIsHonouredEvenWhenAPersonIsInAHurry) {
    service.faults.always("POST", owner_log_in, fakes::answer_with(429, "", "Retry-After: 7200\r\n"));
    Daemon daemon(device);
    EXPECT_TRUE(daemon.tells("STATUS=rate-limited")) << daemon.process().errors();
    service.faults.clear();
    const auto asked = service.served().size();
    device.give_secret(password);
    EXPECT_TRUE(daemon.tells("STATUS=rate-limited")) << daemon.process().errors();
    daemon.process().signal(SIGHUP);
    EXPECT_TRUE(daemon.tells("STATUS=rate-limited")) << daemon.process().errors();
    EXPECT_EQ(service.served().size(), asked);
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
}

TEST_F(Refused, RetryAfterIsNotForAnotherOwner) {
    service.faults.always("POST", owner_log_in, fakes::answer_with(429, "", "Retry-After: 7200\r\n"));
    device.owner_lines = "  provider: local-userpass\n  username: site-8@example.com\n";
    device.write_settings();
    Daemon daemon(device);
    EXPECT_TRUE(daemon.tells("STATUS=rate-limited")) << daemon.process().errors();
    service.faults.clear();
    device.owner_lines = "  provider: local-userpass\n  username: site-7@example.com\n";
    device.write_settings();
    daemon.process().signal(SIGHUP);
    EXPECT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
}

TEST_F(Refused, RedirectsAreNotFollowed) {
    Service elsewhere;
    const auto redirect = fakes::answer_with(307, "", "Location: " + elsewhere.url() + "/\r\n");
    for (const auto& [method, path_end] :
         {std::pair{"GET", std::string{"/location"}}, {"POST", owner_log_in}, {"GET", keys}}) {
        service.faults.always(method, path_end, redirect);
        expect_run(75, "service-unavailable");
        service.faults.clear();
    }
    service.faults.at("POST", keys, redirect);
    expect_run(75, "answer-lost");
    EXPECT_TRUE(elsewhere.served().empty());
    expect_settled_by_a_run();
}

}  // namespace
}  // namespace devkey::e2e
