// Whom the real devkeyd talks to, and whom it tells nothing.
#include <gtest/gtest.h>
#include <sysexits.h>

#include "e2e/device.hpp"
#include "e2e/old_tls.hpp"
#include "e2e/service.hpp"

namespace devkey::e2e {
namespace {

using fakes::Certificate;

bool says(const std::string& text, const std::string& part) {
    return text.contains(part);
}

struct Certificates : testing::Test {
    Certificates() { device.write_settings(); }

    [[nodiscard]] std::string authority_of(const Service& one) const {
        return one.url().substr(std::string("https://").size());
    }
    /// Not a word to the server, no key, and an error that names the host, the fault and the remedy.
    void expect_refused(const Certificate& certificate, const std::string& fault) {
        service.start(certificate);
        const auto run = device.once();
        EXPECT_EQ(run.exit_code, EX_PROTOCOL) << run.err;
        EXPECT_EQ(run.reason, "connection-insecure");
        EXPECT_PRED2(says, run.err, "the certificate of " + authority_of(service) + " is not accepted: ");
        EXPECT_PRED2(says, run.err, fault);
        EXPECT_PRED2(says, run.err, "check service.url, service.ca_file and the clock");
        EXPECT_EQ(service.served(), std::vector<std::string>{});
        expect_no_key();
    }
    void expect_no_key() const {
        EXPECT_EQ(service.key_names(), std::vector<std::string>{});
        EXPECT_FALSE(device.has_credential());
    }
    void expect_a_key() {
        const auto run = device.once();
        EXPECT_EQ(run.exit_code, 0) << run.err;
        EXPECT_TRUE(device.has_credential() && service.takes(device.credential("key")));
    }
    /// `location` answers with this place instead of the service's own.
    void send_on_to(const std::string& url) {
        service.faults.always("GET", "/location", fakes::corrupt([this, url](std::string body) {
                                  const auto own = service.url();
                                  return body.replace(body.find(own), own.size(), url);
                              }));
    }

    Service service;
    Device device{service.url(), service.authority.ca_file()};
    fakes::TemporaryDirectory elsewhere;
};

// It has the same name: only its signature tells.
TEST_F(Certificates, OfAnotherAuthorityIsRefusedUntilTheRightOneIsThere) {
    expect_refused(fakes::Authority(elsewhere.path).issue("127.0.0.1"), "certificate signature failure");
    service.start(service.authority.issue("127.0.0.1"));
    expect_a_key();
}

TEST_F(Certificates, ThatExpiredIsRefusedUntilTheRightOneIsThere) {
    expect_refused(service.authority.issue("127.0.0.1", -60), "certificate has expired");
    service.start(service.authority.issue("127.0.0.1"));
    expect_a_key();
}

// On loopback, where Poco alone wouldn't look at the name.
TEST_F(Certificates, OfAnotherHostIsRefusedUntilTheRightOneIsThere) {
    expect_refused(service.authority.issue("keys.example.com"), "IP address mismatch");
    expect_refused(service.authority.issue("127.0.0.2"), "IP address mismatch");
    service.start(service.authority.issue("127.0.0.1"));
    expect_a_key();
}

TEST_F(Certificates, OfAnotherNameIsRefusedUntilTheRightOneIsThere) {
    const auto port = service.url().substr(service.url().rfind(':'));
    Device named("https://localhost" + port, service.authority.ca_file());
    named.write_settings();
    const auto refused = named.once();  // the certificate is the address's
    EXPECT_EQ(refused.exit_code, EX_PROTOCOL) << refused.err;
    EXPECT_PRED2(says, refused.err, "the certificate of localhost" + port + " is not accepted: ");
    EXPECT_PRED2(says, refused.err, "hostname mismatch");
    EXPECT_EQ(service.served(), std::vector<std::string>{});
    service.start(service.authority.issue("localhost"));
    EXPECT_EQ(named.once().exit_code, 0);
    EXPECT_TRUE(service.takes(named.credential("key")));
}

TEST_F(Certificates, ThatSignedItselfIsRefusedUntilTheRightOneIsThere) {
    expect_refused(service.authority.self_signed("127.0.0.1"), "self-signed certificate");
    service.start(service.authority.issue("127.0.0.1"));
    expect_a_key();
}

// The machine's own OpenSSL settings allow it here, so that it is devkeyd that refuses.
TEST_F(Certificates, OverTlsBelow12HelpNobody) {
    const OldTlsServer old(service.authority.issue("127.0.0.1"));
    ASSERT_TRUE(agrees_on_old_tls(old));
    Device lax("https://127.0.0.1:" + std::to_string(old.port()), service.authority.ca_file());
    lax.write_settings();
    const auto settings = lax.directory.file("openssl.cnf");
    fakes::put(settings,
               "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = default\n"
               "[default]\nMinProtocol = TLSv1\nCipherString = DEFAULT:@SECLEVEL=0\n");
    const auto run = lax.once({"/usr/bin/env", "OPENSSL_CONF=" + settings});
    EXPECT_EQ(run.exit_code, EX_TEMPFAIL) << run.err;
    EXPECT_PRED2(says, run.err, "no TLS with 127.0.0.1:" + std::to_string(old.port()) + ": ");
    EXPECT_PRED2(says, run.err, "protocol version");
    EXPECT_EQ(old.clients(), 2);
    EXPECT_EQ(old.agreed(), 1);
    EXPECT_FALSE(lax.has_credential());
}

// ---- where the service sends us

TEST_F(Certificates, OfAPlaceTheSettingsDontNameAreNotEvenAskedFor) {
    Service other;
    other.start(service.authority.issue("127.0.0.1"));
    send_on_to(other.url());
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, EX_PROTOCOL) << run.err;
    EXPECT_PRED2(says, run.err,
                 "the service sends us to " + authority_of(other) +
                     ", which service.allowed_hosts doesn't name; nothing was sent there");
    EXPECT_EQ(other.served(), std::vector<std::string>{});
    EXPECT_EQ(service.served(), std::vector<std::string>{"GET location 200"});
    expect_no_key();

    device.service_lines = "  allowed_hosts: [\"" + authority_of(other) + "\"]\n";
    device.write_settings();
    const auto allowed = device.once();
    EXPECT_EQ(allowed.exit_code, 0) << allowed.err;
    EXPECT_TRUE(other.takes(device.credential("key")));
    EXPECT_EQ(service.key_names(), std::vector<std::string>{});
}

TEST_F(Certificates, ThereAreNoneWhereTheServiceSendsUsInTheClear) {
    SilentPort clear;
    const auto place = "127.0.0.1:" + std::to_string(clear.port());
    device.service_lines = "  allowed_hosts: [\"" + place + "\"]\n";
    device.write_settings();
    send_on_to("http://" + place);
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, EX_PROTOCOL) << run.err;
    EXPECT_PRED2(says, run.err, place);
    pollfd wait{.fd = clear.listener(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&wait, 1, 0), 0) << "somebody came";
    EXPECT_EQ(service.served(), std::vector<std::string>{"GET location 200"});
    expect_no_key();
}

TEST_F(Certificates, OfWhereARedirectPointsAreNotEvenAskedFor) {
    Service other;
    other.start(service.authority.issue("127.0.0.1"));
    const auto location = [&](const std::string& path) {
        return "Location: " + other.url() + "/api/client/v2.0" + path + "\r\n";
    };
    service.faults.at(
        "POST", "/login",
        fakes::answer_with(308, "", location("/app/devices/auth/providers/local-userpass/login")));
    const auto at_log_in = device.once();
    EXPECT_EQ(at_log_in.exit_code, EX_TEMPFAIL) << at_log_in.err;
    service.faults.at("GET", "/api_keys", fakes::answer_with(307, "", location("/auth/api_keys")));
    const auto at_list = device.once();
    EXPECT_EQ(at_list.exit_code, EX_TEMPFAIL) << at_list.err;
    EXPECT_EQ(service.count_of("POST login 200"), 1U);
    EXPECT_EQ(other.served(), std::vector<std::string>{});
    expect_no_key();
    expect_a_key();
}

// ---- in the clear

TEST_F(Certificates, AreDoneWithoutOnlyWhereTheSettingsSaySoAndOnThisMachine) {
    service.start({});  // plain HTTP
    const auto plain = "http" + service.url().substr(std::string("https").size());
    Device clear(plain, service.authority.ca_file());
    clear.write_settings();
    const auto unasked = clear.once();
    EXPECT_EQ(unasked.exit_code, EX_CONFIG);
    EXPECT_PRED2(says, unasked.err, "service.url: http:// needs service.plain_http: true");
    EXPECT_EQ(service.served(), std::vector<std::string>{});

    Device far("http://192.0.2.1:9443", service.authority.ca_file());
    far.service_lines = "  plain_http: true\n";
    far.write_settings();
    const auto elsewhere_in_the_clear = far.once();
    EXPECT_EQ(elsewhere_in_the_clear.exit_code, EX_CONFIG);
    EXPECT_PRED2(says, elsewhere_in_the_clear.err, "http:// would send secrets in the clear");

    clear.service_lines = "  plain_http: true\n";
    clear.write_settings();
    const auto asked = clear.once();
    EXPECT_EQ(asked.exit_code, 0) << asked.err;
    EXPECT_TRUE(service.takes(clear.credential("key")));
}

// A service that was handed a wrong certificate by mistake doesn't cost the daemon its life, nor the device
// its key.
TEST_F(Certificates, ThatAreWrongWaitForTheRightOnes) {
    service.start(service.authority.issue("127.0.0.1", -60));
    Daemon daemon(device);
    EXPECT_TRUE(daemon.tells("STATUS=connection-insecure: ")) << daemon.process().errors();
    EXPECT_FALSE(daemon.told().contains("READY=1"));
    EXPECT_EQ(service.served(), std::vector<std::string>{});
    service.start(service.authority.issue("127.0.0.1"));
    daemon.process().signal(SIGHUP);
    EXPECT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
}

}  // namespace
}  // namespace devkey::e2e
