// The doctor: each thing that may be wrong is told with its remedy, and stops nothing else.
#include "devkeyctl/check.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "devkeyctl/exit_codes.hpp"
#include "fakes/temporary_directory.hpp"
#include "fakes/world.hpp"

namespace devkey::ctl {
namespace {

using core::ErrorKind;
using Fault = fakes::Service::Fault;
using namespace std::chrono_literals;

/// A device with its first key, whose owner's secret is a file.
struct Doctor : testing::Test {
    Doctor() {
        world.settle(engine::Trigger::Start);
        world.service.called.clear();
        world.service.forget();
        settings.owner.username = "alice";
        settings.owner.secret = core::FromFile{"/etc/secret"};
    }
    [[nodiscard]] Patient patient() {
        return {.settings = settings,
                .state = state ? *state : core::Result<std::optional<core::State>>{world.store.state},
                .unusable = unusable,
                .credentials_directory = {},
                .service = world.service,
                .clock = world.clock,
                .agent = [] { return core::Result<std::string>{"it runs"}; },
                .look_up = [this] { return addresses; },
                .certificate_end = [this] { return certificate_end; },
                .room_in = [this](const std::string& /*directory*/) { return room; }};
    }
    [[nodiscard]] static Finding find(const std::vector<Finding>& found, const std::string& name) {
        const auto at = std::ranges::find(found, name, &Finding::name);
        return at == found.end() ? Finding{.name = "missing"} : *at;
    }
    [[nodiscard]] Finding at_service(const std::string& name) {
        return find(examine_service(patient()), name);
    }
    [[nodiscard]] Finding on_machine(const std::string& name) {
        return find(examine_machine(patient()), name);
    }
    static void expect(const Finding& finding, Grade grade, const std::string& detail,
                       const std::string& remedy = "") {
        EXPECT_EQ(finding.grade, grade) << finding.name << ": " << finding.detail;
        EXPECT_TRUE(finding.detail.contains(detail)) << finding.detail;
        EXPECT_TRUE(finding.remedy.contains(remedy)) << finding.remedy;
        const bool needs_remedy = grade == Grade::Warning || grade == Grade::Failed;
        EXPECT_TRUE(!needs_remedy || !finding.remedy.empty()) << finding.name;
    }

    fakes::World world;
    core::Settings settings;
    std::optional<core::Result<std::optional<core::State>>> state;
    std::vector<core::Error> unusable;
    core::Result<std::vector<std::string>> addresses{std::vector<std::string>{"192.0.2.7"}};
    core::Result<std::optional<core::Instant>> certificate_end{world.clock.now() + std::chrono::days{90}};
    core::Result<Room> room{Room{.bytes = 1U << 30U, .files = 1000}};
};

TEST_F(Doctor, FindsNothingWrongAndLogsOut) {
    for (const auto& found : {examine_service(patient()), examine_machine(patient())})
        for (const auto& finding : found)
            EXPECT_TRUE(finding.grade == Grade::Ok || finding.name == "hooks")
                << finding.name << finding.detail;
    expect(at_service("log-in"), Grade::Ok, "alice");
    EXPECT_EQ(std::ranges::count(world.service.called, "log_in"), 2) << "the session before it was closed";
    EXPECT_EQ(world.service.keys.size(), 1U);
}

TEST_F(Doctor, TheFirstThingWrongOnTheWayExplainsTheRest) {
    addresses = core::fail(ErrorKind::Unavailable, "the name x can't be looked up: no such host");
    const auto found = examine_service(patient());
    expect(find(found, "name"), Grade::Failed, "no such host", "service.url");
    for (const auto* name : {"tls", "log-in", "key", "quota"}) expect(find(found, name), Grade::Skipped, "");
    EXPECT_TRUE(world.service.called.empty());
    expect(find(found, "clock"), Grade::Ok, "hasn't told");
}

TEST_F(Doctor, LooksAtTheCertificate) {
    certificate_end = world.clock.now() + std::chrono::days{29};
    expect(at_service("tls"), Grade::Warning, "ends in 29 days", "renew");
    expect(at_service("log-in"), Grade::Ok, "");
    certificate_end = core::fail(ErrorKind::Insecure, "not accepted: self-signed; check service.ca_file");
    expect(at_service("tls"), Grade::Failed, "not accepted: self-signed", "check service.ca_file");
    expect(at_service("key"), Grade::Skipped, "can't be reached");
    certificate_end = std::nullopt;
    expect(at_service("tls"), Grade::Ok, "plain HTTP");
}

TEST_F(Doctor, TheKeyIsLookedAtEvenWhereTheOwnerIsRefused) {
    world.service.refusal = {ErrorKind::Unauthenticated, "answered 401; check the owner's name and secret"};
    world.service.next("log_in", {Fault::Refuse});
    const auto found = examine_service(patient());
    expect(find(found, "log-in"), Grade::Failed, "answered 401", "check the owner's name and secret");
    expect(find(found, "key"), Grade::Ok, "logs in");
    expect(find(found, "quota"), Grade::Skipped, "log-in");
}

TEST_F(Doctor, ACredentialOfTheUnitIsOutOfReach) {
    settings.owner.secret = core::FromCredential{"owner-secret"};
    expect(at_service("log-in"), Grade::Skipped, "owner-secret", "systemd-run");
    expect(at_service("key"), Grade::Ok, "");
}

TEST_F(Doctor, LooksForTheFileThatTheUnitLoadsTheSecretFrom) {
    const fakes::TemporaryDirectory directory;
    const auto file = directory.file("owner-secret");
    const auto of = [](const std::string& unit) {
        return check_secret("owner-secret", "[Service]\n" + unit);
    };
    const auto shipped = "LoadCredential=other:/bin/sh\nLoadCredential=owner-secret:" + file + "\n";
    expect(of(shipped), Grade::Failed, file + " (LoadCredential= of the unit) is not there", "put");
    expect(of(shipped), Grade::Failed, "status=243/CREDENTIALS");
    fakes::put(file, "secret");
    expect(of(shipped), Grade::Ok, file);
    const auto reset = shipped + "# a drop-in\n[Service]\nLoadCredential=\n";
    expect(of(reset), Grade::Warning, "no LoadCredential=owner-secret:FILE", "systemctl edit");
    const auto encrypted = reset + "LoadCredentialEncrypted=owner-secret:" + file + ".cred";
    expect(of(encrypted), Grade::Failed, file + ".cred (LoadCredentialEncrypted=");
    expect(of(" LoadCredential = owner-secret:" + file), Grade::Ok, file);
    expect(of("LoadCredential=owner-secret:stored"), Grade::Skipped,
           "stored (LoadCredential= of the unit): where");
    expect(of("LoadCredential=owner-secret:%E/devkeyd/owner-secret"), Grade::Skipped,
           "%E/devkeyd/owner-secret");
    expect(of("LoadCredential=owner-secret:/not/there\nSetCredential=owner-secret:s3cret"), Grade::Skipped,
           "itself: SetCredential=");
    expect(check_secret("owner-secret", core::fail(ErrorKind::NotFound, "systemctl: not there")),
           Grade::Skipped, "systemctl: not there");
}

TEST_F(Doctor, AnotherOwnerIsNotTheStates) {
    world.service.owner = "owner-2";
    expect(at_service("log-in"), Grade::Failed, "another one", "former owner");
}

TEST_F(Doctor, AKeyThatDoesNotLogInIsToldByWhoDidIt) {
    world.service.keys.begin()->second.enabled = false;
    expect(at_service("key"), Grade::Failed, "doesn't log in", "rotate");
    world.store.state->current->standing = core::Standing::SwitchedOff;
    expect(at_service("key"), Grade::Warning, "dead man's switch", "watchdog.heartbeat");
    world.store.state->current.reset();
    expect(at_service("key"), Grade::Skipped, "no key");
    state = core::fail(ErrorKind::Corrupt, "state.json: line 1; restore it");
    expect(at_service("key"), Grade::Skipped, "state");
    expect(on_machine("state"), Grade::Failed, "line 1", "restore it");
}

TEST_F(Doctor, TellsHowFullTheQuotaIs) {
    for (int at = 0; at < 14; ++at)
        world.service.keys["x" + std::to_string(at)] = {.name = "x", .secret = "s"};
    expect(at_service("quota"), Grade::Warning, "15 of 20", "remove keys");
    for (int at = 14; at < 19; ++at)
        world.service.keys["x" + std::to_string(at)] = {.name = "x", .secret = "s"};
    expect(at_service("quota"), Grade::Warning, "20 of 20");
    world.store.state->current.reset();
    expect(at_service("quota"), Grade::Failed, "20 of 20");
}

TEST_F(Doctor, ComparesTheClockWithTheServices) {
    world.clock.wrong_by = 2h;
    expect(at_service("clock"), Grade::Warning, "by 2h", "timedatectl");
    world.clock.wrong_by = 0s;
    world.clock.synchronised = false;
    expect(at_service("clock"), Grade::Warning, "nothing keeps it right");
}

TEST_F(Doctor, TellsWhatCanNotBeUsedHere) {
    unusable = {{ErrorKind::InvalidInput, "service.ca_file: /ca.pem: can't be read; name another"},
                {ErrorKind::Insecure, "owner.secret.file: others may read it; chmod it to 0400"}};
    const auto found = examine_machine(patient());
    EXPECT_EQ(std::ranges::count(found, "files", &Finding::name), 2);
    expect(find(found, "files"), Grade::Failed, "/ca.pem: can't be read", "name another");
}

TEST_F(Doctor, LooksForRoomOnTheDisk) {
    room = Room{.bytes = 1000, .files = 1000};
    expect(on_machine("disk"), Grade::Failed, "0 MiB", "remove");
    room = Room{.bytes = 8U << 20U, .files = 1000};
    expect(on_machine("disk"), Grade::Warning, "8 MiB");
    room = Room{.bytes = 1U << 30U, .files = 3};
    expect(on_machine("disk"), Grade::Warning, "3 files");
    room = Room{.bytes = 1U << 30U, .files = 1000, .read_only = true};
    expect(on_machine("disk"), Grade::Failed, "read-only", "mount");
    room = core::fail(ErrorKind::Io, "gone");
    expect(on_machine("disk"), Grade::Failed, "gone");
}

TEST_F(Doctor, TellsWhichHookTheSandboxRefuses) {
    EXPECT_EQ(check_hooks({}).grade, Grade::Skipped);
    EXPECT_EQ(check_hooks({{"/bin/true", "x"}}).grade, Grade::Ok);
    expect(check_hooks({{"/bin/true"}, {"/home/me/hook"}}), Grade::Failed, "/home/me/hook", "/usr/libexec");
    expect(check_hooks({{"/tmp/hook"}}), Grade::Failed, "PrivateTmp");
    expect(check_hooks({{"hook"}}), Grade::Failed, "absolute");
    expect(check_hooks({{"/usr/libexec/none-there"}}), Grade::Failed, "No such file");
    expect(check_hooks({{"/usr"}}), Grade::Failed, "not a file");
    expect(check_hooks({{}}), Grade::Failed, "absolute");
}

TEST_F(Doctor, EndsWith1WhereSomethingFailed) {
    std::string out;
    Terminal terminal;
    terminal.out = [&](const std::string& line) { out += line + "\n"; };
    EXPECT_EQ(tell(terminal, {{.name = "a"}, skipped("b", "why"), {.name = "c", .grade = Grade::Warning}}),
              exit_done);
    EXPECT_EQ(tell(terminal, {failed("a", {ErrorKind::Io, "broken; mend it"}, "")}), exit_failed_check);
    EXPECT_TRUE(out.contains("failed   a         broken\n")) << out;
    EXPECT_TRUE(out.contains("-> mend it\n")) << out;
    out.clear();
    terminal.json = true;
    EXPECT_EQ(tell(terminal, {failed("a", {ErrorKind::Io, "broken; mend it"}, "")}), exit_failed_check);
    EXPECT_EQ(
        out,
        R"({"version":1,"answer":"check","failed":1,"warnings":0,"checks":[{"name":"a","result":"failed","detail":"broken","remedy":"mend it"}]})"
        "\n");
}

}  // namespace
}  // namespace devkey::ctl
