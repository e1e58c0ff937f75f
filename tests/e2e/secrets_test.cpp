// The password, the tokens and the key are where they belong, and nowhere else: every log, every message to
// systemd, every file and what others see of the processes are searched, after runs in which much goes wrong.
#include <gtest/gtest.h>
#include <linux/capability.h>

#include <mutex>
#include <regex>
#include <set>

#include "e2e/device.hpp"
#include "e2e/search.hpp"
#include "e2e/service.hpp"
#include "server/program.hpp"

namespace devkey::e2e {
namespace {

using fakes::content_of;
using fakes::wait_until;
using Found = std::vector<std::string>;

const std::string long_password = "long and winding password 27";
const std::string wrong_password = "quite another password 28";

// ---- the search itself

TEST(Search, FindsWhatWasPlanted) {
    const fakes::TemporaryDirectory directory;
    std::filesystem::create_directories(directory.file("deep/er"));
    fakes::put(directory.file("deep/er/log"), "info: the password is " + long_password + ", they say");
    fakes::put(directory.file("half"), std::string("\0\x01", 2) + long_password.substr(9, 12));
    fakes::put(directory.file("state.json"), long_password);
    fakes::put(directory.file("clean"), long_password.substr(0, 11));
    const auto places = files_below(directory.path, {"state.json"});
    EXPECT_EQ(places.size(), 3U);
    auto found = finds({{"the password", long_password}, {"a short one", "say"}}, places);
    std::ranges::sort(found);
    EXPECT_EQ(found, (Found{"a short one in " + directory.file("deep/er/log"),
                            "the password in " + directory.file("deep/er/log"),
                            "the password in " + directory.file("half")}));
}

TEST(Search, FindsWhatAProcessShows) {
    const fakes::TemporaryDirectory directory;
    const fakes::Process careless({"/bin/sh", "-c", "sleep 600; : " + long_password}, directory.file("run"),
                                  {"PASSWORD=" + wrong_password});
    ASSERT_TRUE(wait_until([&] { return sights_of(careless.pid(), "sh").front().text.contains("sleep"); }));
    EXPECT_EQ(
        finds({{"argument", long_password}, {"variable", wrong_password}}, sights_of(careless.pid(), "sh")),
        (Found{"argument in sh's cmdline", "variable in sh's environ"}));
}

// ---- with what is searched

/// devkeyd's environment can be read with CAP_SYS_PTRACE alone (root, outside of most containers).
bool may_look_into_all() {
    const auto status = content_of("/proc/self/status");
    const auto effective = status.substr(status.find("CapEff:") + std::string("CapEff:").size());
    return (std::stoull(effective, nullptr, 16) >> CAP_SYS_PTRACE & 1U) == 1;
}

/// Adds all that a daemon has let out. Its directory's files hold its logs.
void add_sights(std::vector<Place>& places, Daemon& daemon) {
    const auto id = daemon.process().pid();
    std::ranges::copy(sights_of(id, "devkeyd"), std::back_inserter(places));
    places.push_back({"what systemd was told", daemon.told()});
    // Else nothing was searched.
    EXPECT_TRUE(content_of("/proc/" + std::to_string(id) + "/cmdline").contains("--config"));
    EXPECT_EQ(content_of("/proc/" + std::to_string(id) + "/environ").contains("NOTIFY_SOCKET"),
              may_look_into_all());
}

/// Where secrets belong.
const std::vector<std::string> strongboxes{"state.json", "credential.json", "owner-secret"};

void add_files(std::vector<Place>& places, const std::string& directory) {
    std::ranges::copy(files_below(directory, strongboxes), std::back_inserter(places));
}

std::string log_of(const std::vector<Place>& places) {
    std::string all;
    for (const auto& place : places)
        if (place.name.ends_with(".err")) all += place.text;
    return all;
}

/// Every JWT begins like this ('{"', and after a dot '{"' again, in base64): enough to see any, known or not.
bool holds_a_token(const std::string& text) {
    static const std::regex token("eyJ[A-Za-z0-9_-]+\\.eyJ");
    return std::regex_search(text, token);
}

// ---- a service that records what it answers, and misbehaves

/// Every answer as it went over the wire, by "METHOD path".
class Recorded {
 public:
    /// Carries the request out and answers as ever; `lost`: the connection ends instead.
    [[nodiscard]] fakes::Fault record(bool lost = false) {
        return [this, lost](server::Exchange& exchange) {
            const auto bytes = exchange.bytes_of(exchange.carry_out());
            {
                const std::lock_guard lock(mutex_);
                answers_.push_back({exchange.request().method + " " + exchange.request().path, bytes});
            }
            if (lost) return exchange.close();
            exchange.send(bytes);
        };
    }
    [[nodiscard]] std::vector<Place> answers() const {
        const std::lock_guard lock(mutex_);
        return answers_;
    }
    /// The values of this field in all answers.
    [[nodiscard]] std::vector<Wanted> values_of(const std::string& field) const {
        std::vector<Wanted> values;
        const std::regex pattern("\"" + field + R"(":"([^"]+)\")");
        for (const auto& answer : answers())
            for (std::sregex_iterator at(answer.text.begin(), answer.text.end(), pattern), end; at != end;
                 ++at)
                values.push_back({field, (*at)[1].str()});
        return values;
    }

 private:
    mutable std::mutex mutex_;
    std::vector<Place> answers_;
};

struct RecordedService : testing::Test {
    RecordedService() {
        service.faults.at("POST", "/auth/api_keys", recorded.record(true));
        for (const char* method : {"GET", "POST", "PUT", "DELETE"})
            service.faults.always(method, "", recorded.record());
        device.secret = wrong_password;
        device.write_settings();
    }
    /// A log-in that fails, a create whose answer is lost, a reload that fails, one that doesn't, a damaged
    /// credential file, a restart.
    void live(std::vector<Place>& places) {
        Daemon daemon(device);
        ASSERT_TRUE(daemon.tells("STATUS=owner-refused: ")) << daemon.process().errors();
        device.give_secret(password);
        ASSERT_TRUE(daemon.tells("STATUS=answer-lost: ")) << daemon.process().errors();
        ASSERT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
        const auto settings = content_of(device.directory.file("devkeyd.yaml"));
        fakes::put(device.directory.file("devkeyd.yaml"), settings + "colour: green\n");
        daemon.process().signal(SIGHUP);
        ASSERT_TRUE(wait_until([&] { return daemon.process().errors().contains("colour"); }));
        fakes::put(device.directory.file("devkeyd.yaml"), settings);
        daemon.process().signal(SIGHUP);
        fakes::put(device.credential_file(), "rubbish");
        ASSERT_TRUE(wait_until([&] { return content_of(device.credential_file()).contains("key_name"); }));
        add_sights(places, daemon);
        EXPECT_EQ(daemon.process().end(SIGTERM), 0);
        const auto again = device.once();
        EXPECT_EQ(again.exit_code, 0) << again.err;
    }

    Service service;
    Recorded recorded;
    Device device{service.url(), service.authority.ca_file()};
};

TEST_F(RecordedService, AndItsDeviceKeepEverySecretWhereItBelongs) {
    std::vector<Place> places;
    live(places);
    add_files(places, device.directory.path);
    add_files(places, service.directory.path);
    auto tokens = recorded.values_of("access_token");
    std::ranges::copy(recorded.values_of("refresh_token"), std::back_inserter(tokens));
    const auto keys = recorded.values_of("key");
    EXPECT_GE(tokens.size(), 4U);
    EXPECT_EQ(keys.size(), 2U);  // the lost one, too
    EXPECT_EQ(keys.back().value, device.credential("key"));

    std::vector<Wanted> secrets{{"the password", password}, {"the wrong password", wrong_password}};
    std::ranges::copy(keys, std::back_inserter(secrets));
    std::ranges::copy(tokens, std::back_inserter(secrets));
    EXPECT_EQ(finds(secrets, places), Found{});
    EXPECT_PRED2([](auto& log, auto& name) { return log.contains(name); }, log_of(places),
                 std::string("key-created"));
}

TEST_F(RecordedService, AnswersNoSecretButToWhoeverItIsFor) {
    std::vector<Place> places;
    live(places);
    std::vector<Place> plain;
    for (const auto& answer : recorded.answers()) {
        const bool log_in = answer.name.ends_with("/login") && answer.text.starts_with("HTTP/1.1 200");
        const bool created = answer.name == "POST /api/client/v2.0/auth/api_keys";
        if (!log_in && !(created && answer.text.starts_with("HTTP/1.1 201"))) plain.push_back(answer);
        EXPECT_EQ(holds_a_token(answer.text), log_in) << answer.name;
    }
    EXPECT_GE(plain.size(), 6U);
    auto secrets = recorded.values_of("key");
    secrets.push_back({"the password", password});
    secrets.push_back({"the wrong password", wrong_password});
    EXPECT_EQ(finds(secrets, plain), Found{});
}

// ---- the real devkey-server

TEST(RealService, AndItsDeviceKeepEverySecretWhereItBelongs) {
    const fakes::TemporaryDirectory site;
    const fakes::Authority authority(site.path);
    const auto certificate = authority.issue("127.0.0.1");
    const auto db = site.file("db");
    {
        const auto store = server::Store::open(db, false).value();
        ASSERT_TRUE(store->add_app(app));
        ASSERT_TRUE(store->add_user(
            {"user-1", app, "local-userpass", owner, server::hash_password(core::Secret{long_password})}));
    }
    std::vector<std::string> serve{"serve",         "--listen",       "127.0.0.1:0",
                                   "--tls-cert",    certificate.cert, "--tls-key",
                                   certificate.key, "--log",          "json"};
    std::optional<server::Program> program(std::in_place, db, serve);
    ASSERT_NE(program->port(), 0) << program->errors();
    serve[2] = "127.0.0.1:" + std::to_string(program->port());

    Device device{"https://" + serve[2], authority.ca_file()};
    device.secret = wrong_password;
    device.write_settings();
    Daemon daemon(device);
    ASSERT_TRUE(daemon.tells("STATUS=owner-refused: ")) << daemon.process().errors();
    std::vector<Place> places = sights_of(program->pid(), "the first devkey-server");
    EXPECT_EQ(program->end(SIGKILL), -SIGKILL);
    device.give_secret(long_password);
    ASSERT_TRUE(daemon.tells("STATUS=service-unavailable: ")) << daemon.process().errors();
    program.emplace(db, serve);
    ASSERT_NE(program->port(), 0) << program->errors();
    daemon.process().signal(SIGHUP);
    ASSERT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();

    add_sights(places, daemon);
    std::ranges::copy(sights_of(program->pid(), "devkey-server"), std::back_inserter(places));
    // While both still run: the database's WAL is there as well.
    add_files(places, site.path);
    add_files(places, device.directory.path);
    std::set<std::string> names;
    for (const auto& place : places) names.insert(place.name);
    EXPECT_TRUE(names.contains(db) && names.contains(db + "-wal"));
    const auto log = log_of(places);
    EXPECT_TRUE(log.contains("owner-refused") && log.contains("key-created")) << log;
    EXPECT_TRUE(log.contains("/providers/local-userpass/login") && log.contains("/auth/api_keys")) << log;

    EXPECT_EQ(finds({{"the password", long_password},
                     {"the wrong password", wrong_password},
                     {"the key", device.credential("key")}},
                    places),
              Found{});
    for (const auto& place : places) EXPECT_FALSE(holds_a_token(place.text)) << place.name;
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
    EXPECT_EQ(program->end(SIGTERM), 0);
}

}  // namespace
}  // namespace devkey::e2e
