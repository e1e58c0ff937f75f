// Whom the adapter trusts, and where it sends a secret.
#include <stdlib.h>

#include "real_service.hpp"
#include "scripted_server.hpp"
#include "tls_server.hpp"

namespace devkey::services {
namespace {

using namespace std::chrono_literals;

TEST_F(RealService, OfAnotherNameIsNotTrustedOnLoopbackEither) {
    serve(authority.issue("keys.example"));
    expect_insecure(*make(), "mismatch");
    EXPECT_TRUE(served.empty());
}

TEST_F(RealService, WithAnExpiredCertificateIsNotTrusted) {
    serve(authority.issue("127.0.0.1", -60));
    expect_insecure(*make(), "expired");
}

TEST_F(RealService, ThatVouchesForItselfIsNotTrusted) {
    serve(authority.self_signed("127.0.0.1"));
    expect_insecure(*make(), "self-signed");
}

TEST_F(RealService, OfAnotherAuthorityIsNotTrusted) {
    serve(authority.issue("127.0.0.1"));
    const TemporaryDirectory elsewhere;
    const fakes::Authority other{elsewhere.path};
    settings.ca_file = other.ca_file();
    EXPECT_EQ(make()->log_in().error().kind, ErrorKind::Insecure);
    settings.ca_file.clear();  // the system's
    EXPECT_EQ(make()->log_in().error().kind, ErrorKind::Insecure);
}

TEST_F(RealService, ThatSendsUsElsewhereIsNotFollowed) {
    const auto certificate = authority.issue("127.0.0.1");
    store = server::Store::open(directory.file("db"), false).value();
    ASSERT_TRUE(store->add_app("app"));
    api.emplace(*store, server::Tokens("key"), [] { return 0LL; });
    running =
        server::Server::start({"127.0.0.1", 0, certificate.cert, certificate.key, "https://thief.example"},
                              *api, [](const auto&) {})
            .value();
    settings = {.url = "https://127.0.0.1:" + std::to_string(running->port()),
                .app = "app",
                .ca_file = authority.ca_file(),
                .allowed_hosts = {}};
    expect_insecure(*make(), "service.allowed_hosts");
}

// Debian's OpenSSL refuses old TLS by itself. This one, read when OpenSSL starts, doesn't: we have to.
const int lax = ::setenv("OPENSSL_CONF", DEVKEY_SOURCE_DIR "/tests/services/lax_openssl.cnf", 1);

std::string location(const std::string& hostname) {
    return R"({"deployment_model":"LOCAL","location":"here","hostname":")" + hostname +
           R"(","ws_hostname":"x"})";
}

TEST_F(RealService, ThatSendsUsToAnAllowedHostIsFollowedThere) {
    serve(authority.issue("localhost"));
    const std::string host = "localhost:" + std::to_string(running->port());
    const auto certificate = authority.issue("127.0.0.1");
    const auto door =
        server::Server::start({"127.0.0.1", 0, certificate.cert, certificate.key, "https://" + host}, *api,
                              [](const auto&) {})
            .value();
    settings.url = "https://127.0.0.1:" + std::to_string(door->port());
    settings.allowed_hosts = {"localhost"};  // names port 443 alone
    expect_insecure(*make(), "service.allowed_hosts");
    EXPECT_TRUE(served.empty());
    settings.allowed_hosts = {host};
    EXPECT_EQ(make()->log_in().value(), "user-1");
    EXPECT_EQ(served, std::vector<std::string>{"POST /app/app/auth/providers/local-userpass/login 200"});
}

// Nothing here listens on port 443: being allowed shows as a connect.
TEST_F(RealService, ThatSendsUsToAnAllowedIpv6AddressIsFollowedThere) {
    serve(authority.issue("127.0.0.1"));
    struct Sent {
        const char* to;
        const char* allowed;
        bool followed;
    };
    for (const auto& [to, allowed, followed] :
         {Sent{"https://[::1]", "[::1]", true}, Sent{"https://[0:0::1]:443", "[::1]", true},
          Sent{"https://[::1]", "[0::1]", true}, Sent{"https://[::1]", "[::1]:8443", false},
          Sent{"https://[::1]", "[::2]", false}, Sent{"http://[::1]:443", "[::1]", false}}) {
        settings.allowed_hosts = {allowed};
        faults.at("GET", "/location", fakes::answer_with(200, location(to)));
        const auto refused = make()->log_in().error();
        EXPECT_NE(holds(refused, "service.allowed_hosts"), followed) << to << ": " << refused.message;
        EXPECT_EQ(holds(refused, "[::1]:443"), true) << refused.message;
    }
}

TEST_F(RealService, WithoutTheFileOfItsAuthorityIsAMistakeInTheSettings) {
    serve(authority.issue("127.0.0.1"));
    const auto garbage = directory.file("garbage.pem");
    fakes::put(garbage, "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n");
    for (const auto& file : {directory.file("missing.pem"), garbage, directory.path}) {
        settings.ca_file = file;
        const auto refused = make()->log_in().error();
        EXPECT_EQ(refused.kind, ErrorKind::InvalidInput) << refused.message;
        EXPECT_TRUE(holds(refused, "service.ca_file: " + file + ": ")) << refused.message;
    }
    EXPECT_TRUE(served.empty());
}

TEST_F(RealService, ThatSendsUsToPlainHttpIsNotFollowedThoughTheHostIsAllowed) {
    serve(authority.issue("127.0.0.1"));
    ScriptedServer thief({{.bytes = http_answer(200, "{}")}});
    settings.allowed_hosts = {"127.0.0.1", thief.url().substr(7)};
    settings.plain_http = true;
    faults.always("GET", "/location", fakes::answer_with(200, location(thief.url())));
    expect_insecure(*make(), "service.allowed_hosts");
    EXPECT_EQ(thief.connections(), 0);
}

TEST_F(RealService, ThatRedirectsGetsNoSecretSentElsewhere) {
    serve(authority.issue("127.0.0.1"));
    ScriptedServer thief({{.bytes = http_answer(200, "{}")}});
    const auto redirect = fakes::answer_with(307, "", "Location: " + thief.url() + "/\r\n");
    settings.plain_http = true;
    const auto service = make();
    faults.at("POST", "/local-userpass/login", redirect);
    EXPECT_EQ(service->log_in().error().kind, ErrorKind::Unavailable);
    ASSERT_TRUE(service->log_in());
    faults.at("GET", "/auth/api_keys", redirect);
    EXPECT_EQ(service->list().error().kind, ErrorKind::Unavailable);
    faults.at("POST", "/auth/api_keys", redirect);
    EXPECT_EQ(service->create("name-1").error().kind, ErrorKind::OutcomeUnknown);
    EXPECT_EQ(thief.connections(), 0);
}

TEST_F(RealService, IsRefusedBelowTls12) {
    ASSERT_EQ(lax, 0);
    const auto certificate = authority.issue("127.0.0.1");
    settings = {.url = {}, .app = "app", .ca_file = authority.ca_file(), .allowed_hosts = {}};
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsServer server(certificate, version);
        settings.url = "https://127.0.0.1:" + std::to_string(server.port());
        EXPECT_EQ(make()->log_in().error().kind, ErrorKind::Unavailable);  // it never answers a request
        EXPECT_EQ(server.shook_hands(), version >= TLS1_2_VERSION) << std::hex << version;
    }
}

TEST(Settings, PlainHttpNeedsTheSettingAndALoopbackAddress) {
    FixedSecret secret;
    SetClock clock;
    Interrupter interrupter;
    const core::ServiceSettings not_asked_for{
        .url = "http://127.0.0.1:1", .app = "app", .ca_file = {}, .allowed_hosts = {}};
    EXPECT_EQ(make_app_services(not_asked_for, {}, secret, clock, interrupter).value()->log_in().error().kind,
              ErrorKind::Insecure);
    const core::ServiceSettings far{
        .url = "http://192.0.2.1:1", .app = "app", .ca_file = {}, .allowed_hosts = {}, .plain_http = true};
    EXPECT_EQ(make_app_services(far, {}, secret, clock, interrupter).value()->log_in().error().kind,
              ErrorKind::Insecure);
    EXPECT_FALSE(make_app_services({.url = "https://h/path", .app = "a", .ca_file = {}, .allowed_hosts = {}},
                                   {}, secret, clock, interrupter));
}

}  // namespace
}  // namespace devkey::services
