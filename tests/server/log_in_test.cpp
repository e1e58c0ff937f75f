// Log-ins that fail, race with a revocation, or come in a crowd; what sessions they leave.
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "running_server.hpp"

namespace devkey::server {
namespace {

class LogIn : public testing::Test {
 protected:
    void SetUp() override {
        store = Store::open(directory.file("db"), false).value();
        ASSERT_TRUE(store->add_app("app"));
        ASSERT_TRUE(store->set_provider("app", "custom-token", true, "shared"));
        ASSERT_TRUE(store->add_user(
            {"alice", "app", "local-userpass", "alice@x", hash_password(core::Secret{"hunter22"})}));
        api.emplace(*store, Tokens(store->signing_key().value()), [this] {
            if (--until_event == 0) event();
            return now.load();
        });
    }
    ApiAnswer call(const std::string& method, const std::string& path, const std::string& body,
                   const std::string& token = {}, const std::string& address = "192.0.2.1") {
        ApiRequest request;
        request.method = method;
        request.path = "/api/client/v2.0" + path;
        request.body = body;
        if (!token.empty()) request.authorization = "Bearer " + token;
        request.address = address;
        return api->answer(request);
    }
    ApiAnswer log_in(const std::string& provider, const std::string& body,
                     const std::string& address = "192.0.2.1") {
        return call("POST", "/app/app/auth/providers/" + provider + "/login", body, {}, address);
    }
    static std::string field(const ApiAnswer& answer, const std::string& name) {
        return Poco::JSON::Parser()
            .parse(answer.body.value_or("{}"))
            .extract<Poco::JSON::Object::Ptr>()
            ->optValue<std::string>(name, "");
    }
    static constexpr const char* right = R"({"username":"alice@x","password":"hunter22"})";
    static constexpr const char* wrong = R"({"username":"alice@x","password":"wrong"})";

    fakes::TemporaryDirectory directory;
    std::unique_ptr<Store> store;
    std::atomic<long long> now = 1800000000;
    std::atomic<int> until_event = -1;  ///< readings of the clock
    std::function<void()> event = [] {};
    std::optional<Api> api;
};

/// The clock is read between a log-in's check and its session: there the revocation comes in.
TEST_F(LogIn, ThatMeetsARevocationLeavesNoSession) {
    for (int reading = 1; reading <= 6; ++reading) {
        const auto id = "key" + std::to_string(reading);
        ASSERT_TRUE(store->add_key({id, "alice", id}, sha256(id)));
        event = [this, id] { EXPECT_TRUE(store->set_key_disabled(id, true)); };
        until_event = reading;
        const auto in = log_in("api-key", R"({"key":")" + id + R"("})");
        if (until_event > 0) continue;  // the clock was read less often
        const auto later =
            call("POST", "/auth/session", "", in.status == 200 ? field(in, "refresh_token") : "x");
        EXPECT_EQ(later.status, 401) << "revoked at reading " << reading;
    }
    ASSERT_TRUE(
        store->add_user({"bob", "app", "local-userpass", "bob@x", hash_password(core::Secret{"hunter22"})}));
    event = [this] { EXPECT_TRUE(store->disable_user("bob")); };
    until_event = 2;
    const auto in = log_in("local-userpass", R"({"username":"bob@x","password":"hunter22"})");
    EXPECT_LE(until_event, 0);
    EXPECT_EQ(field(in, "error_code"), "UserDisabled");
}

TEST_F(LogIn, LeavesNoSessionOfWhatIsGoneOrDisabled) {
    const auto add = [this](const StoredSession& session) {
        const auto added = store->add_session("hash", session, 0);
        return added ? std::nullopt : std::optional(added.error().kind);
    };
    ASSERT_TRUE(store->add_key({"key", "alice", "name"}, "h"));
    EXPECT_EQ(add({"nobody", "local-userpass", "", 10}), core::ErrorKind::NotFound);
    EXPECT_EQ(add({"alice", "api-key", "other", 10}), core::ErrorKind::NotFound);
    ASSERT_TRUE(store->set_key_disabled("key", true));
    EXPECT_EQ(add({"alice", "api-key", "key", 10}), core::ErrorKind::NotFound);
    ASSERT_TRUE(store->disable_user("alice"));
    EXPECT_EQ(add({"alice", "local-userpass", "", 10}), core::ErrorKind::Forbidden);
    EXPECT_FALSE(store->session("hash").value());
}

TEST_F(LogIn, SweepsSessionsThatEnded) {
    ASSERT_TRUE(store->add_session("old", {"alice", "local-userpass", "", 100}, 50));
    ASSERT_TRUE(store->add_session("young", {"alice", "local-userpass", "", 300}, 99));
    EXPECT_TRUE(store->session("old").value());
    ASSERT_TRUE(store->add_session("new", {"alice", "local-userpass", "", 300}, 100));
    EXPECT_FALSE(store->session("old").value());
    EXPECT_TRUE(store->session("young").value());
}

TEST_F(LogIn, CantBeGuessedSideBySide) {
    std::atomic<int> refused = 0;
    std::atomic<int> told_to_wait = 0;
    {
        std::vector<std::jthread> crowd;
        for (int i = 0; i < 30; ++i)
            crowd.emplace_back([&] {
                const auto status = log_in("local-userpass", wrong).status;
                ++(status == 401 ? refused : told_to_wait);
            });
    }
    EXPECT_EQ(refused, 5);
    EXPECT_EQ(told_to_wait, 25);
}

TEST_F(LogIn, OfACrowdWithTheRightPasswordIsNotSlowedDown) {
    std::atomic<int> in = 0;
    {
        std::vector<std::jthread> crowd;
        for (int i = 0; i < 30; ++i)
            crowd.emplace_back([&] { in += log_in("local-userpass", right).status == 200 ? 1 : 0; });
    }
    EXPECT_EQ(in, 30);
}

TEST_F(LogIn, IsSlowedDownPerAddressWithEveryProvider) {
    for (const auto& [provider, body] :
         {std::pair{"api-key", R"({"key":"guess"})"}, {"custom-token", R"({"token":"a.b.c"})"}}) {
        const std::string address = std::string("of ") + provider;
        for (int i = 0; i < 50; ++i) EXPECT_EQ(log_in(provider, body, address).status, 401);
        const auto refused = log_in(provider, body, address);
        EXPECT_EQ(refused.status, 429);
        EXPECT_EQ(field(refused, "error_code"), "TooManyRequests");
        EXPECT_GT(refused.retry_after, 0);
        EXPECT_LE(refused.retry_after, 10);
        EXPECT_EQ(log_in(provider, body, "elsewhere").status, 401);
    }
}

TEST_F(LogIn, OfAnewKeyMayBeRefusedAFewTimesWhileItIsProven) {
    ASSERT_TRUE(store->add_key({"key", "alice", "name"}, sha256("value")));
    ASSERT_TRUE(store->set_key_disabled("key", true));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(log_in("api-key", R"({"key":"value"})").status, 401);
    ASSERT_TRUE(store->set_key_disabled("key", false));
    EXPECT_EQ(log_in("api-key", R"({"key":"value"})").status, 200);
}

TEST_F(LogIn, WithoutItsFieldsCountsAsNoGuess) {
    for (int i = 0; i < 10; ++i) EXPECT_EQ(log_in("local-userpass", R"({"username":"alice@x"})").status, 400);
    EXPECT_EQ(log_in("local-userpass", right).status, 200);
}

mode_t mode_of(const std::string& file) {
    struct stat status{};
    EXPECT_EQ(::stat(file.c_str(), &status), 0) << file;
    return status.st_mode & 0777U;
}

TEST(StoreFile, IsOursAloneWithoutTouchingTheUmask) {
    const fakes::TemporaryDirectory directory;
    const auto umask_before = ::umask(0);
    std::atomic<bool> done = false;
    std::atomic<int> others = 0;
    std::thread watcher([&] {
        while (!done)
            if (fakes::content_of("/proc/self/status").find("Umask:\t0000") == std::string::npos) ++others;
    });
    for (int i = 0; i < 30; ++i) {
        const auto file = directory.file("db" + std::to_string(i));
        const auto store = Store::open(file, false).value();
        ASSERT_TRUE(store->add_app("app"));
        for (const char* end : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(file + end), 0600U) << end;
    }
    done = true;
    watcher.join();
    ::umask(umask_before);
    EXPECT_EQ(others, 0);
}

}  // namespace
}  // namespace devkey::server
