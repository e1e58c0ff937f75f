// Every call and every error of the API, without the network.
#include "server/api.hpp"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Parser.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "fakes/temporary_directory.hpp"
#include "server/crypto.hpp"

namespace devkey::server {
namespace {

const std::string base = "/api/client/v2.0";

class ApiTest : public testing::Test {
 protected:
    void SetUp() override {
        store = Store::open(directory.file("db"), false).value();
        ASSERT_TRUE(store->add_app("app"));
        ASSERT_TRUE(store->set_provider("app", "anon-user", true, ""));
        ASSERT_TRUE(store->add_user(
            {"alice", "app", "local-userpass", "alice@x", hash_password(core::Secret{"hunter22"})}));
        api.emplace(*store, Tokens(store->signing_key().value()), [this] { return now.load(); });
    }

    ApiAnswer call(const std::string& method, const std::string& path, const std::string& body = {},
                   std::optional<std::string> token = {}) {
        ApiRequest request;
        request.method = method;
        request.path = base + path;
        request.body = body;
        if (token) request.authorization = "Bearer " + *token;
        request.address = "127.0.0.1";
        request.origin = "https://127.0.0.1:9443";
        return api->answer(request);
    }
    static Poco::JSON::Object json(const ApiAnswer& answer) {
        return *Poco::JSON::Parser().parse(answer.body.value_or("{}")).extract<Poco::JSON::Object::Ptr>();
    }
    static std::string field(const ApiAnswer& answer, const std::string& name) {
        return json(answer).optValue<std::string>(name, "");
    }

    std::string refresh_token(const std::string& provider = "local-userpass",
                              const std::string& body = R"({"username":"alice@x","password":"hunter22"})") {
        const auto answer = call("POST", "/app/app/auth/providers/" + provider + "/login", body);
        EXPECT_EQ(answer.status, 200);
        return field(answer, "refresh_token");
    }
    void expect(const ApiAnswer& answer, int status, const std::string& code) {
        EXPECT_EQ(answer.status, status) << answer.body.value_or("");
        EXPECT_EQ(field(answer, "error_code"), code);
    }

    fakes::TemporaryDirectory directory;
    std::unique_ptr<Store> store;
    std::atomic<long long> now = 1800000000;
    std::optional<Api> api;
};

TEST_F(ApiTest, TellsItsLocation) {
    const auto answer = call("GET", "/app/app/location");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(field(answer, "hostname"), "https://127.0.0.1:9443");
    EXPECT_EQ(field(answer, "ws_hostname"), "wss://127.0.0.1:9443");
    expect(call("GET", "/app/other/location"), 404, "AppNotFound");
}

TEST_F(ApiTest, LogsInByPasswordAndShowsTheProfile) {
    const auto answer = call("POST", "/app/app/auth/providers/local-userpass/login",
                             R"({"username":"alice@x","password":"hunter22"})");
    EXPECT_EQ(field(answer, "user_id"), "alice");
    EXPECT_EQ(field(answer, "device_id"), "000000000000000000000000");
    const auto profile = call("GET", "/auth/profile", "", field(answer, "access_token"));
    EXPECT_EQ(profile.status, 200);
    EXPECT_EQ(field(profile, "type"), "normal");
    EXPECT_EQ(json(profile).getArray("identities")->size(), 1U);
    expect(call("GET", "/auth/profile", "", field(answer, "refresh_token")), 401, "InvalidSession");
}

TEST_F(ApiTest, RefusesWrongCredentialsAlike) {
    expect(call("POST", "/app/app/auth/providers/local-userpass/login",
                R"({"username":"alice@x","password":"wrong"})"),
           401, "InvalidPassword");
    expect(call("POST", "/app/app/auth/providers/local-userpass/login",
                R"({"username":"nobody","password":"wrong"})"),
           401, "InvalidPassword");
    expect(call("POST", "/app/app/auth/providers/api-key/login", R"({"key":"wrong"})"), 401, "AuthError");
    expect(call("POST", "/app/app/auth/providers/custom-function/login", "{}"), 404, "");
    expect(call("POST", "/app/app/auth/providers/local-userpass/login", "{"), 400, "BadRequest");
    ASSERT_TRUE(store->disable_user("alice"));
    expect(call("POST", "/app/app/auth/providers/local-userpass/login",
                R"({"username":"alice@x","password":"hunter22"})"),
           401, "UserDisabled");
}

TEST_F(ApiTest, SlowsDownWhoGuesses) {
    const std::string wrong = R"({"username":"alice@x","password":"wrong"})";
    for (int i = 0; i < 5; ++i)
        expect(call("POST", "/app/app/auth/providers/local-userpass/login", wrong), 401, "InvalidPassword");
    const auto refused = call("POST", "/app/app/auth/providers/local-userpass/login",
                              R"({"username":"alice@x","password":"hunter22"})");
    expect(refused, 429, "TooManyRequests");
    EXPECT_GT(refused.retry_after, 0);
    now += refused.retry_after;
    EXPECT_FALSE(refresh_token().empty());
}

TEST_F(ApiTest, RegistersAUserOnce) {
    EXPECT_EQ(call("POST", "/app/app/auth/providers/local-userpass/register",
                   R"({"email":"bob@x","password":"secret1"})")
                  .status,
              201);
    expect(call("POST", "/app/app/auth/providers/local-userpass/register",
                R"({"email":"bob@x","password":"secret1"})"),
           409, "AccountNameInUse");
    expect(call("POST", "/app/app/auth/providers/local-userpass/register",
                R"({"email":"carol@x","password":"short"})"),
           400, "BadRequest");
    EXPECT_FALSE(refresh_token("local-userpass", R"({"username":"bob@x","password":"secret1"})").empty());
}

TEST_F(ApiTest, RegistersNoNameThatForgesALineOrSteersATerminal) {
    const auto before = store->users("app")->size();
    for (const std::string name :
         {R"(z\ndisabled=true)", R"(\u001b[2J)", R"(a\u007f)", R"(a\u009b2J)", "\xc2\x9b"})
        expect(call("POST", "/app/app/auth/providers/local-userpass/register",
                    R"({"email":")" + name + R"(","password":"secret1"})"),
               400, "BadRequest");
    expect(call("POST", "/app/app/auth/providers/local-userpass/register",
                R"({"email":")" + std::string(257, 'x') + R"(","password":"secret1"})"),
           400, "BadRequest");
    EXPECT_EQ(store->users("app")->size(), before);
    EXPECT_EQ(call("POST", "/app/app/auth/providers/local-userpass/register",
                   R"({"email":"zoë à@x","password":"secret1"})")
                  .status,
              201);
}

TEST_F(ApiTest, DoesEveryKeyCall) {
    const auto token = refresh_token();
    EXPECT_EQ(call("GET", "/auth/api_keys", "", token).body, "[]");
    const auto created = call("POST", "/auth/api_keys", R"({"name":"one"})", token);
    EXPECT_EQ(created.status, 201);
    EXPECT_EQ(field(created, "key").size(), 64U);
    const auto id = field(created, "_id");
    EXPECT_EQ(id.size(), 24U);
    EXPECT_EQ(call("GET", "/auth/api_keys/" + id, "", token).body,
              R"({"_id":")" + id + R"(","name":"one","disabled":false})");
    for (const char* change : {"disable", "disable", "enable", "enable", "disable"}) {
        const auto answer = call("PUT", "/auth/api_keys/" + id + "/" + change, "", token);
        EXPECT_EQ(answer.status, 204);
        EXPECT_FALSE(answer.body);
        EXPECT_EQ(json(call("GET", "/auth/api_keys/" + id, "", token)).getValue<bool>("disabled"),
                  std::string(change) == "disable");
    }
    EXPECT_EQ(call("DELETE", "/auth/api_keys/" + id, "", token).status, 204);
    for (const auto& [method, end] :
         {std::pair{"GET", ""}, {"DELETE", ""}, {"PUT", "/enable"}, {"PUT", "/disable"}})
        expect(call(method, "/auth/api_keys/" + id + end, "", token), 404, "APIKeyNotFound");
}

TEST_F(ApiTest, RefusesBadNamesDoublesAndTheTwentyFirst) {
    const auto token = refresh_token();
    const auto missing = call("POST", "/auth/api_keys", "{}", token);
    expect(missing, 400, "");
    EXPECT_EQ(field(missing, "error"), "'name' is a required string");
    expect(call("POST", "/auth/api_keys", R"({"name":"a b"})", token), 400, "InvalidParameter");
    expect(call("POST", "/auth/api_keys", R"({"name":")" + std::string(65, 'x') + R"("})", token), 400,
           "InvalidParameter");
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(call("POST", "/auth/api_keys", R"({"name":"k)" + std::to_string(i) + R"("})", token).status,
                  201);
    expect(call("POST", "/auth/api_keys", R"({"name":"k7"})", token), 409, "APIKeyAlreadyExists");
    expect(call("POST", "/auth/api_keys", R"({"name":"k20"})", token), 400, "APIKeyLimitExceeded");
}

TEST_F(ApiTest, LetsNoKeyAndNoStrangerManageKeys) {
    const auto owner = refresh_token();
    const auto created = call("POST", "/auth/api_keys", R"({"name":"one"})", owner);
    const auto by_key = refresh_token("api-key", R"({"key":")" + field(created, "key") + R"("})");
    EXPECT_EQ(call("GET", "/auth/api_keys", "", by_key).status, 403);
    const auto anonymous = call("GET", "/auth/api_keys", "", refresh_token("anon-user", "{}"));
    EXPECT_EQ(anonymous.status, 403);
    EXPECT_FALSE(anonymous.body);
    call("POST", "/app/app/auth/providers/local-userpass/register",
         R"({"email":"bob@x","password":"secret1"})");
    const auto bob = refresh_token("local-userpass", R"({"username":"bob@x","password":"secret1"})");
    expect(call("DELETE", "/auth/api_keys/" + field(created, "_id"), "", bob), 404, "APIKeyNotFound");
}

TEST_F(ApiTest, EndsAKeysSessionsWithTheKey) {
    const auto owner = refresh_token();
    const auto created = call("POST", "/auth/api_keys", R"({"name":"one"})", owner);
    const auto by_key = refresh_token("api-key", R"({"key":")" + field(created, "key") + R"("})");
    EXPECT_EQ(call("POST", "/auth/session", "", by_key).status, 201);
    call("PUT", "/auth/api_keys/" + field(created, "_id") + "/disable", "", owner);
    expect(call("POST", "/auth/session", "", by_key), 401, "InvalidSession");
    expect(call("POST", "/app/app/auth/providers/api-key/login",
                R"({"key":")" + field(created, "key") + R"("})"),
           401, "AuthError");
}

TEST_F(ApiTest, KnowsGoodSessionsFromBad) {
    const auto token = refresh_token();
    EXPECT_EQ(call("POST", "/auth/session", "", token).status, 201);
    expect(call("GET", "/auth/api_keys"), 401, "InvalidSession");
    expect(call("GET", "/auth/api_keys", "", ""), 401, "");
    expect(call("GET", "/auth/api_keys", "", "a.b.c"), 401, "InvalidSession");
    expect(call("GET", "/auth/api_keys", "", token + "x"), 401, "InvalidSession");
    const auto log_in = call("POST", "/app/app/auth/providers/local-userpass/login",
                             R"({"username":"alice@x","password":"hunter22"})");
    expect(call("GET", "/auth/api_keys", "", field(log_in, "access_token")), 401, "InvalidSession");
    EXPECT_EQ(call("DELETE", "/auth/session", "", token).status, 204);
    expect(call("GET", "/auth/api_keys", "", token), 401, "InvalidSession");
    const auto late = refresh_token();
    now += Tokens::refresh_seconds + 1;
    expect(call("GET", "/auth/api_keys", "", late), 401, "InvalidSession");
}

TEST_F(ApiTest, AnswersOddPathsWith404) {
    for (const char* path : {"", "/", "/auth", "/auth/session/x", "/app/app", "/auth/api_keys/x/y/z", "/x/y"})
        EXPECT_GE(call("GET", path, "", refresh_token()).status, 400) << path;
}

TEST_F(ApiTest, NeverExceedsTheLimitNorDoublesANameUnderACrowd) {
    const auto token = refresh_token();
    std::atomic<int> created = 0;
    {
        std::vector<std::jthread> crowd;
        for (int client = 0; client < 32; ++client)
            crowd.emplace_back([&, client] {
                for (int i = 0; i < 4; ++i)
                    if (call("POST", "/auth/api_keys",
                             R"({"name":"n)" + std::to_string((client + i) % 30) + R"("})", token)
                            .status == 201)
                        ++created;
            });
    }
    const auto keys = store->keys("alice").value();
    EXPECT_EQ(keys.size(), 20U);
    EXPECT_EQ(created, 20);
    std::set<std::string> names;
    for (const auto& key : keys) names.insert(key.name);
    EXPECT_EQ(names.size(), 20U);
}

TEST_F(ApiTest, KeepsNoSecretInTheClear) {
    const auto token = refresh_token();
    const auto key = field(call("POST", "/auth/api_keys", R"({"name":"one"})", token), "key");
    for (const char* file : {"db", "db-wal"}) {
        const auto bytes = fakes::content_of(directory.file(file));
        ASSERT_FALSE(bytes.empty()) << file;
        for (const auto& secret : {std::string("hunter22"), key, token})
            EXPECT_EQ(bytes.find(secret), std::string::npos) << file;
    }
}

}  // namespace
}  // namespace devkey::server
