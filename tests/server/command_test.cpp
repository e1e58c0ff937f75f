// The real program: its commands, its exit codes, and what a kill -9 leaves.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>

#include "fakes/temporary_directory.hpp"
#include "server/api.hpp"
#include "server/crypto.hpp"
#include "server/store.hpp"

namespace devkey::server {
namespace {

struct Ran {
    int code = -1;
    std::string output;
};

class Command : public testing::Test {
 protected:
    Ran run(const std::string& arguments, const std::string& input = "hunter22") {
        const auto command = "printf '%s\\n' '" + input + "' | " DEVKEY_SERVER " --db " +
                             directory.file("db") + " " + arguments + " 2>&1";
        std::FILE* pipe = ::popen(command.c_str(), "r");
        Ran ran;
        std::array<char, 4096> buffer{};
        while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) ran.output += buffer.data();
        ran.code = WEXITSTATUS(::pclose(pipe));
        return ran;
    }
    void set_up_app() {
        ASSERT_EQ(run("init").code, 0);
        ASSERT_EQ(run("app create app").code, 0);
        ASSERT_EQ(run("user add app alice@x").code, 0);
    }

    fakes::TemporaryDirectory directory;
};

TEST_F(Command, SetsUpAnAppAndItsPeople) {
    set_up_app();
    EXPECT_NE(run("user list app").output.find("name=alice@x"), std::string::npos);
    EXPECT_NE(run("user list app --json").output.find("\"alice@x\""), std::string::npos);
    EXPECT_EQ(run("user disable app alice@x").code, 0);
    EXPECT_NE(run("user list app").output.find("disabled=true"), std::string::npos);
    EXPECT_EQ(run("key list app alice@x --json").output.find("id"), std::string::npos);
}

TEST_F(Command, RevokesALostDevicesKey) {
    set_up_app();
    const auto store = Store::open(directory.file("db"), true).value();
    const auto user = store->find_user("app", "local-userpass", "alice@x").value()->id;
    ASSERT_TRUE(store->add_key({"id1", user, "pump-12"}, sha256("value")));
    EXPECT_NE(run("key list app alice@x").output.find("name=pump-12"), std::string::npos);
    EXPECT_EQ(run("key disable id1").code, 0);
    EXPECT_TRUE(store->key("id1").value()->disabled);
    EXPECT_EQ(run("key delete id1").code, 0);
    EXPECT_FALSE(store->key("id1").value());
}

TEST_F(Command, SwitchesProviders) {
    set_up_app();
    EXPECT_EQ(run("provider on app custom-token", "shared-secret").code, 0);
    const auto store = Store::open(directory.file("db"), true).value();
    EXPECT_EQ(store->provider("app", "custom-token").value(), "shared-secret");
    EXPECT_EQ(run("provider off app custom-token").code, 0);
    EXPECT_FALSE(store->provider("app", "custom-token").value());
    EXPECT_EQ(run("provider on app carrier-pigeon").code, EX_USAGE);
}

TEST_F(Command, ClosesRegistrationAndOpensItAgain) {
    set_up_app();
    const auto store = Store::open(directory.file("db"), true).value();
    Api api(*store, Tokens(store->signing_key().value()), [] { return 1800000000LL; });
    const auto post = [&](const std::string& what, const std::string& body) {
        ApiRequest request;
        request.method = "POST";
        request.path = "/api/client/v2.0/app/app/auth/providers/local-userpass/" + what;
        request.body = body;
        return api.answer(request).status;
    };
    EXPECT_EQ(run("provider on app local-userpass --no-register").code, 0);
    EXPECT_EQ(post("register", R"({"email":"bob@x","password":"hunter22"})"), 404);
    EXPECT_EQ(post("login", R"({"username":"alice@x","password":"hunter22"})"), 200);
    EXPECT_EQ(run("user add app carol@x").code, 0);
    EXPECT_EQ(run("provider on app local-userpass").code, 0);
    EXPECT_EQ(post("register", R"({"email":"bob@x","password":"hunter22"})"), 201);
    EXPECT_EQ(run("provider on app api-key --no-register").code, EX_USAGE);
}

TEST_F(Command, DisablesAnOwnerOfAnyProvider) {
    set_up_app();
    const auto store = Store::open(directory.file("db"), true).value();
    ASSERT_TRUE(store->add_user({"id7", "app", "custom-token", "site-7", {}}));
    ASSERT_TRUE(store->add_key({"key1", "id7", "pump-12"}, sha256("value")));
    EXPECT_NE(run("key list app site-7").output.find("name=pump-12"), std::string::npos);
    EXPECT_EQ(run("user disable app site-7").code, 0);
    EXPECT_TRUE(store->user("id7").value()->disabled);
    ASSERT_TRUE(store->add_user({"id8", "app", "custom-token", "alice@x", {}}));
    EXPECT_EQ(run("user disable app alice@x").code, EX_USAGE);
    EXPECT_EQ(run("user disable app id8").code, 0);
    EXPECT_TRUE(store->user("id8").value()->disabled);
}

TEST_F(Command, ListsOneLineForEachUserWhateverTheyCallThemselves) {
    set_up_app();
    const auto store = Store::open(directory.file("db"), true).value();
    // As a server of before may have let in.
    const std::string forged = "z\n\x1b[2Jdisabled=true  id=0  name=alice@x  provider=local-userpass";
    ASSERT_TRUE(store->add_user({"id7", "app", "custom-token", forged, {}}));
    ASSERT_TRUE(store->add_key({"key1", "id7", "a\nb"}, sha256("value")));
    const auto listed = run("user list app").output;
    EXPECT_EQ(std::ranges::count(listed, '\n'), 2) << listed;
    EXPECT_EQ(listed.find('\x1b'), std::string::npos) << listed;
    EXPECT_EQ(listed.find("  name=alice@x  ", listed.find("name=alice@x") + 1), std::string::npos) << listed;
    EXPECT_EQ(std::ranges::count(run("key list app id7").output, '\n'), 1);
    ASSERT_TRUE(store->add_user({"id8", "app", "anon-user", "y\xc2\x9b\x1b[2J", {}}));
    const auto json = run("user list app --json").output;
    EXPECT_TRUE(std::ranges::all_of(json, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }))
        << json;
}

TEST_F(Command, TakesAnIdBeforeANameThatLooksLikeIt) {
    set_up_app();
    const auto store = Store::open(directory.file("db"), true).value();
    ASSERT_TRUE(store->add_user({"id7", "app", "local-userpass", "thief@x", {}}));
    ASSERT_TRUE(store->add_user({"id8", "app", "local-userpass", "id7", {}}));
    EXPECT_EQ(run("key list app id7").code, 0);
    EXPECT_EQ(run("user disable app id7").code, 0);
    EXPECT_TRUE(store->user("id7").value()->disabled);
    EXPECT_FALSE(store->user("id8").value()->disabled);
    EXPECT_EQ(run("user disable app id8").code, 0);
    EXPECT_TRUE(store->user("id8").value()->disabled);
}

TEST_F(Command, RefusesNamesThatNobodyCouldUse) {
    set_up_app();
    for (const char* app : {"''", "'a b/../c'", "..", ".", "a/b", "'a\nb'"})
        EXPECT_EQ(run(std::string("app create ") + app).code, EX_USAGE) << app;
    EXPECT_EQ(run("app create -- " + std::string(129, 'x')).code, EX_USAGE);
    for (const char* name : {"''", "\"$(printf 'z\\nid=1')\"", "\"$(printf '\\033[2J')\""})
        EXPECT_EQ(run(std::string("user add app ") + name).code, EX_USAGE) << name;
    EXPECT_EQ(run("user add app long@x", std::string(129, 'x')).code, EX_DATAERR);
    EXPECT_EQ(run("user add app bob@x", std::string(128, 'x')).code, 0);
    EXPECT_EQ(run("app create my-app_2.x").code, 0);
}

TEST_F(Command, RefusesAPublicKeyThatIsNone) {
    set_up_app();
    EXPECT_EQ(run("provider on app custom-token", "-----BEGIN PUBLIC KEY-----").code, EX_DATAERR);
    const auto store = Store::open(directory.file("db"), true).value();
    EXPECT_FALSE(store->provider("app", "custom-token").value());
}

TEST_F(Command, SaysWhatIsWrongWithACode) {
    EXPECT_EQ(run("app create app").code, EX_NOINPUT);  // no database yet
    set_up_app();
    EXPECT_EQ(run("app create app").code, EX_DATAERR);
    EXPECT_EQ(run("user add app alice@x").code, EX_DATAERR);
    EXPECT_EQ(run("user add app bob@x", "short").code, EX_DATAERR);
    EXPECT_EQ(run("user list other").code, EX_NOINPUT);
    EXPECT_EQ(run("key disable nope").code, EX_NOINPUT);
    EXPECT_EQ(run("dance").code, EX_USAGE);
    EXPECT_EQ(run("serve").code, EX_USAGE);
    EXPECT_EQ(run("serve --plain-http --listen 0.0.0.0:0").code, EX_USAGE);
    EXPECT_EQ(run("serve --plain-http --listen nowhere").code, EX_USAGE);
    EXPECT_EQ(run("serve --tls-cert /nonexistent --tls-key /nonexistent").code, EX_IOERR);
}

TEST_F(Command, KeepsEveryAcknowledgedKeyThroughKill9) {
    for (int round = 0; round < 5; ++round) {
        const auto file = directory.file("db" + std::to_string(round));
        std::array<int, 2> pipe{};
        ASSERT_EQ(::pipe(pipe.data()), 0);
        const pid_t writer = ::fork();
        if (writer == 0) {
            const auto store = Store::open(file, false).value();
            for (int i = 0; i < 10000; ++i) {
                const auto id = std::to_string(i);
                if (!store->add_key({id, "user-" + std::to_string(i / 10), "n" + id}, id)) ::_exit(1);
                if (::write(pipe[1], "x", 1) != 1) ::_exit(2);
            }
            ::_exit(0);
        }
        ::close(pipe[1]);
        char acknowledged = 0;
        const int wanted = 20 + 13 * round;
        int count = 0;
        while (count < wanted && ::read(pipe[0], &acknowledged, 1) == 1) ++count;
        ::kill(writer, SIGKILL);
        while (::read(pipe[0], &acknowledged, 1) == 1) ++count;
        ::close(pipe[0]);
        ASSERT_EQ(::waitpid(writer, nullptr, 0), writer);
        const auto store = Store::open(file, true).value();
        for (int i = 0; i < count; ++i)
            EXPECT_TRUE(store->key(std::to_string(i)).value()) << i << " of " << count;
    }
}

}  // namespace
}  // namespace devkey::server
