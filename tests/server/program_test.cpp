// The real program under real clients over TLS: killed, stopped, beside itself, and what it writes.
#include "program.hpp"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/Session.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sysexits.h>

#include <atomic>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "client.hpp"
#include "fakes/certificates.hpp"
#include "server/crypto.hpp"
#include "server/store.hpp"

namespace devkey::server {
namespace {

class RealProgram : public testing::Test {
 protected:
    void SetUp() override {
        store = Store::open(db, false).value();
        ASSERT_TRUE(store->add_app("app"));
        const auto password = hash_password(core::Secret{"hunter22"});
        for (int i = 0; i < 30; ++i) {
            const auto name = "user" + std::to_string(i);
            ASSERT_TRUE(store->add_user({name, "app", "local-userpass", name, password}));
        }
    }
    [[nodiscard]] std::vector<std::string> serving(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> words{"serve",          "--listen",  "127.0.0.1:0",  "--tls-cert",
                                       certificate.cert, "--tls-key", certificate.key};
        words.insert(words.end(), more.begin(), more.end());
        return words;
    }
    [[nodiscard]] TlsClient connect(const Program& program) const {
        return {program.port(), authority.ca_file()};
    }

    fakes::TemporaryDirectory directory;
    std::string db = directory.file("db");
    fakes::Authority authority{directory.path};
    fakes::Certificate certificate = authority.issue("127.0.0.1");
    std::unique_ptr<Store> store;
};

/// Every key whose creation was answered, by its owner.
struct Acknowledged {
    std::mutex mutex;
    std::vector<std::pair<std::string, std::string>> keys;
};

void create_until_it_dies(std::uint16_t port, const std::string& ca_file, std::atomic<int>& next_user,
                          Acknowledged& acknowledged) {
    TlsClient client(port, ca_file);
    try {
        for (int number = next_user++; number < 30; number = next_user++) {
            const auto user = "user" + std::to_string(number);
            const auto token = client.log_in(user);
            for (int i = 0; i < 20; ++i) {
                const auto created = client.create("n" + std::to_string(i), token);
                ASSERT_EQ(created.status, 201);
                const std::lock_guard lock(acknowledged.mutex);
                acknowledged.keys.emplace_back(user, created.field("_id"));
            }
        }
    } catch (const Poco::Exception&) {
        // The server was killed under it.
    }
}

TEST_F(RealProgram, KeepsEveryAcknowledgedKeyThroughKill9) {
    std::atomic<int> next_user = 0;
    Acknowledged acknowledged;
    const auto count = [&] {
        const std::lock_guard lock(acknowledged.mutex);
        return acknowledged.keys.size();
    };
    for (std::size_t round = 1; round <= 3; ++round) {
        Program program(db, serving());
        ASSERT_NE(program.port(), 0) << program.errors();
        std::vector<std::jthread> clients;
        for (int i = 0; i < 4; ++i)
            clients.emplace_back([&, port = program.port()] {
                create_until_it_dies(port, authority.ca_file(), next_user, acknowledged);
            });
        for (int i = 0; i < 6000 && count() < 37 * round; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        EXPECT_EQ(program.end(SIGKILL), -SIGKILL);
    }
    ASSERT_GE(count(), 3 * 37U);
    const Program again(db, serving());
    auto client = connect(again);
    std::string user;
    std::string token;
    for (const auto& [owner, id] : acknowledged.keys) {
        if (owner != user) token = client.log_in(user = owner);
        EXPECT_EQ(client.call("GET", "/auth/api_keys/" + id, "", token).status, 200) << owner << ' ' << id;
    }
}

TEST_F(RealProgram, AnswersWhatIsUnderWayAtSigtermAndExitsWith0) {
    Program program(db, serving());
    ASSERT_NE(program.port(), 0) << program.errors();
    auto client = connect(program);
    const auto token = client.log_in("user1");
    auto idle = connect(program);
    EXPECT_EQ(idle.call("GET", "/app/app/location").status, 200);
    Poco::Data::SQLite::Connector::registerConnector();
    Poco::Data::Session other("SQLite", db, 60);
    other << "BEGIN IMMEDIATE", Poco::Data::Keywords::now;  // the create has to wait for us
    client.send("POST", "/auth/api_keys", R"({"name":"n"})", token);
    program.signal(SIGTERM);
    EXPECT_THROW(idle.receive(), Poco::Exception);  // so it is stopping
    other << "ROLLBACK", Poco::Data::Keywords::now;
    const auto created = client.receive();
    EXPECT_EQ(created.status, 201);
    EXPECT_FALSE(created.head.getKeepAlive());
    EXPECT_EQ(program.wait(), 0) << program.errors();
    EXPECT_EQ(store->keys("user1")->size(), 1U);
}

TEST_F(RealProgram, EndsAtOnceWithIdleAndTricklingClients) {
    Program program(db, serving());
    auto idle = connect(program);
    EXPECT_EQ(idle.call("GET", "/app/app/location").status, 200);
    const Client silent(program.port());
    const Client trickling(program.port());
    trickling.send("\x16\x03");
    EXPECT_EQ(program.end(SIGINT), 0);
}

TEST_F(RealProgram, SeveralOnOneDatabaseKeepTheLimitAndTheNamesTogether) {
    std::vector<std::unique_ptr<Program>> programs;
    for (int i = 0; i < 3; ++i)
        programs.push_back(std::make_unique<Program>(
            db, std::vector<std::string>{"serve", "--listen", "127.0.0.1:0", "--plain-http"}));
    std::vector<std::uint16_t> ports;
    for (const auto& program : programs) ports.push_back(program->port());
    const auto in = Client(ports[0]).call("POST", "/app/app/auth/providers/local-userpass/login",
                                          R"({"username":"user1","password":"hunter22"})");
    const auto at = in.find("\"refresh_token\":\"") + 17;
    const auto token = in.substr(at, in.find('"', at) - at);
    std::atomic<int> created = 0;
    std::atomic<int> odd = 0;
    {
        std::vector<std::jthread> crowd;
        for (std::size_t client = 0; client < 30; ++client)
            crowd.emplace_back([&, client] {
                const Client connection(ports[client % ports.size()]);
                for (std::size_t i = 0; i < 4; ++i) {
                    const auto answer = connection.call(
                        "POST", "/auth/api_keys",
                        R"({"name":"n)" + std::to_string((client / 3 + 7 * i) % 28) + R"("})", token);
                    if (answer.starts_with("HTTP/1.1 201 "))
                        ++created;
                    else if (!answer.starts_with("HTTP/1.1 409 ") && !answer.starts_with("HTTP/1.1 400 "))
                        ++odd;
                }
            });
    }
    EXPECT_EQ(odd, 0);
    std::set<std::string> names;
    const auto keys = store->keys("user1").value();
    for (const auto& key : keys) names.insert(key.name);
    EXPECT_EQ(keys.size(), 20U);
    EXPECT_EQ(names.size(), 20U);
    EXPECT_EQ(created, 20);
    for (const auto& program : programs) EXPECT_EQ(program->end(SIGTERM), 0);
}

TEST_F(RealProgram, MadeSeveralTimesAtOnceIsMadeOnce) {
    for (int round = 0; round < 5; ++round) {
        const auto file = directory.file("new" + std::to_string(round));
        std::vector<std::unique_ptr<Program>> programs;
        for (int i = 0; i < 6; ++i)
            programs.push_back(std::make_unique<Program>(file, std::vector<std::string>{"init"}));
        for (const auto& program : programs) EXPECT_EQ(program->wait(), 0) << program->errors();
    }
}

/// The alert that the server sends (see SSL_R_… in openssl/sslerr.h); 0: the handshake is done.
int handshake(std::uint16_t port, int version) {
    const Client client(port);
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                    SSL_CTX_free);
    SSL_CTX_set_cipher_list(context.get(), "DEFAULT:@SECLEVEL=0");  // which TLS 1.1 needs
    SSL_CTX_set_min_proto_version(context.get(), version);
    SSL_CTX_set_max_proto_version(context.get(), version);
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
    SSL_set_fd(ssl.get(), client.handle());
    ERR_clear_error();
    return SSL_connect(ssl.get()) == 1 ? 0 : ERR_GET_REASON(ERR_peek_error());
}

TEST_F(RealProgram, SpeaksTls12And13AndNothingOlder) {
    const Program program(db, serving());
    EXPECT_EQ(handshake(program.port(), TLS1_2_VERSION), 0);
    EXPECT_EQ(handshake(program.port(), TLS1_3_VERSION), 0);
    EXPECT_EQ(handshake(program.port(), TLS1_1_VERSION), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
    EXPECT_EQ(handshake(program.port(), TLS1_VERSION), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
}

TEST_F(RealProgram, RefusesBadCertificateFilesAndSaysWhich) {
    const auto refused = [this](const std::string& cert, const std::string& key, const std::string& named) {
        Program program(db, {"serve", "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key});
        EXPECT_EQ(program.wait(), EX_IOERR);
        EXPECT_NE(program.errors().find(named), std::string::npos) << program.errors();
    };
    const auto rubbish = directory.file("rubbish.pem");
    fakes::put(rubbish, "rubbish");
    std::filesystem::permissions(rubbish, std::filesystem::perms{0600});
    refused(directory.file("missing.pem"), certificate.key, "missing.pem");
    refused(certificate.cert, directory.file("missing.key"), "missing.key");
    refused(rubbish, certificate.key, "rubbish.pem");
    refused(certificate.cert, rubbish, "rubbish.pem");
    refused(certificate.cert, authority.issue("other").key, certificate.cert);
}

TEST_F(RealProgram, WritesNoSecretAnywhere) {
    for (const std::string log : {"text", "json"}) {
        Program program(db, serving({"--log", log}));
        auto client = connect(program);
        const auto in = client.call("POST", "/app/app/auth/providers/local-userpass/login?password=hunter22",
                                    R"({"username":"user2","password":"hunter22"})");
        const auto token = in.field("refresh_token");
        const auto created = client.create("of-" + log, token);
        const auto by_key = client.call("POST", "/app/app/auth/providers/api-key/login",
                                        R"({"key":")" + created.field("key") + R"("})");
        EXPECT_EQ(by_key.status, 200);
        EXPECT_EQ(client.create("of-" + log, token).status, 409);
        EXPECT_EQ(program.end(SIGTERM), 0);
        const auto said = program.errors() + program.output();
        EXPECT_NE(said.find("/auth/api_keys"), std::string::npos) << said;
        EXPECT_EQ(said.starts_with(R"({"method":"POST","path":"/api/client)"), log == "json") << said;
        const auto stored = fakes::content_of(db) + fakes::content_of(db + "-wal");
        for (const auto& secret :
             {std::string("hunter22"), token, in.field("access_token"), created.field("key"),
              by_key.field("refresh_token"), by_key.field("access_token")}) {
            ASSERT_FALSE(secret.empty());
            EXPECT_EQ(said.find(secret), std::string::npos) << log;
            EXPECT_EQ(stored.find(secret), std::string::npos) << log;
        }
    }
}

TEST_F(RealProgram, LogsNothingThatSteersATerminal) {
    Program program(db, {"serve", "--listen", "127.0.0.1:0", "--plain-http"});
    const Client client(program.port());
    client.send("GET /\x1b[2J\x07 HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(client.read_answer().starts_with("HTTP/1.1 404 "));
    EXPECT_EQ(program.end(SIGTERM), 0);
    EXPECT_TRUE(program.errors().starts_with("GET /?[2J? 404 ")) << program.errors();
}

TEST_F(RealProgram, ServesPlainHttpOnlyWhenAskedAndOnLoopback) {
    EXPECT_EQ(Program(db, {"serve", "--listen", "127.0.0.1:0"}).wait(), EX_USAGE);
    EXPECT_EQ(Program(db, {"serve", "--listen", "0.0.0.0:0", "--plain-http"}).wait(), EX_USAGE);
    const Program program(db, {"serve", "--listen", "127.0.0.1:0", "--plain-http"});
    EXPECT_TRUE(Client(program.port()).call("GET", "/app/app/location").starts_with("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace devkey::server
