// How a run of the real devkeyd ends, and how it says so: to scripts by its exit code and JSON, to people by
// its last line.
#include <functional>
#include <sstream>

#include "e2e/story.hpp"

namespace devkey::e2e {
namespace {

using fakes::Process;
using Lines = std::vector<std::string>;

Lines lines_of(const std::string& text) {
    Lines lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

// ---- every way a run with --once ends ----

struct End {
    const char* name;
    std::function<void(Scene&)> arrange;
    int exit_code;
    const char* reason;
    const char* remedy = "";  ///< what the detail names

    friend void PrintTo(const End& end, std::ostream* out) { *out << end.name; }
};

struct RunOnce : Story, testing::WithParamInterface<End> {};

TEST_P(RunOnce, EndsWithItsCodeAndReason) {
    const auto& end = GetParam();
    end.arrange(*this);
    const auto before = service.key_names();
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, end.exit_code) << run.err << run.out;
    EXPECT_EQ(run.reason, end.reason) << run.err << run.out;
    EXPECT_EQ(lines_of(run.out).size(), 1U) << "one object, and nothing else: " << run.out;
    EXPECT_NE(run.out.find(R"("result":"not-provisioned")"), std::string::npos) << run.out;
    EXPECT_NE(run.out.find(end.remedy), std::string::npos) << run.out;
    EXPECT_FALSE(run.changed);
    EXPECT_EQ(service.key_names(), before);
    EXPECT_FALSE(device.has_credential());
}

void fill_the_quota(Scene& scene) {
    for (int i = 0; i < server::Store::keys_per_user; ++i) {
        const auto number = std::to_string(i);
        ASSERT_TRUE(scene.service.store->add_key({"id-" + number, "user-1", "other-" + number}, number));
    }
}

void answer(Scene& scene, const std::string& method, const std::string& path_end, int status) {
    scene.service.faults.always(method, path_end, fakes::answer_with(status));
}

void send_elsewhere(Scene& scene) {
    scene.service.faults.always("GET", "/location", fakes::corrupt([](const std::string&) {
                                    return R"({"hostname":"https://elsewhere.example.com"})";
                                }));
}

INSTANTIATE_TEST_SUITE_P(
    E2e, RunOnce,
    testing::Values(
        End{"service_down", [](Scene& at) { at.service.stop(); }, 75, "service-unavailable"},
        End{"rate_limited", [](Scene& at) { answer(at, "GET", "/location", 429); }, 75, "rate-limited"},
        End{"quota_full", fill_the_quota, 75, "quota-full", "remove one that isn't needed"},
        End{"wrong_password", [](Scene& at) { at.device.give_secret("wrong"); }, 77, "owner-refused",
            "InvalidPassword"},
        End{"owner_disabled", [](Scene& at) { ASSERT_TRUE(at.service.store->disable_user("user-1")); }, 77,
            "owner-refused", "UserDisabled"},
        End{"provider_off",
            [](Scene& at) { ASSERT_TRUE(at.service.store->set_provider(app, "local-userpass", false, "")); },
            77, "provider-off"},
        End{"keys_forbidden", [](Scene& at) { answer(at, "GET", "/api_keys", 403); }, 77, "service-forbids"},
        End{"unknown_app", [](Scene& at) { at.change_settings("app: devices", "app: nobody"); }, 78,
            "request-refused", "check service.app"},
        End{"secret_missing",
            [](Scene& at) { std::filesystem::remove(at.device.directory.file("owner-secret")); }, 78,
            "owner-secret-unusable", "owner-secret"},
        End{"secret_readable_by_others",
            [](Scene& at) { ::chmod(at.device.directory.file("owner-secret").c_str(), 0644); }, 77,
            "not-permitted", "chmod"},
        End{"sent_elsewhere", send_elsewhere, 76, "connection-insecure", "service.allowed_hosts"},
        End{"another_authority",
            [](Scene& at) {
                const std::string folder = at.device.directory.file("another");
                std::filesystem::create_directory(folder);
                const fakes::Authority another{folder};
                at.change_settings(at.service.authority.ca_file(), another.ca_file());
            },
            76, "connection-insecure"},
        End{"authority_missing",
            [](Scene& at) { at.change_settings(at.service.authority.ca_file(), "/no/such/ca.pem"); }, 78,
            "request-refused", "service.ca_file: /no/such/ca.pem"},
        End{"authority_garbage",
            [](Scene& at) { at.change_settings(at.service.authority.ca_file(), at.settings_file()); }, 78,
            "request-refused", "service.ca_file: "},
        End{"settings_missing", [](Scene& at) { std::filesystem::remove(at.settings_file()); }, 78,
            "bad-settings", "--check-config"},
        End{"settings_wrong", [](Scene& at) { at.change_settings("version: 1", "version: one"); }, 78,
            "bad-settings", "--check-config"},
        End{"unknown_group",
            [](Scene& at) {
                at.change_settings("credential_file:\n", "credential_file:\n  group: no-such-group\n");
            },
            78, "invalid-input", "credential_file.group"},
        End{"state_directory_nowhere", [](Scene& at) { at.change_settings("/state\n", "/no/such/state\n"); },
            78, "not-found", "create the state directory"}));

using Once = Story;

TEST_F(Once, TellsPeopleInTheLastLine) {
    Process first(device.words({"--once"}), device.next_output());
    EXPECT_EQ(first.wait(), 0) << first.errors();
    const auto told = "provisioned: key " + device.credential("key_name") + " (generation 1) in " +
                      device.credential_file() + "; changed: ";
    EXPECT_EQ(lines_of(first.output()), Lines{told + "yes"});
    Process second(device.words({"--once"}), device.next_output());
    EXPECT_EQ(second.wait(), 0) << second.errors();
    EXPECT_EQ(lines_of(second.output()), Lines{told + "no"});
}

TEST_F(Once, TellsPeopleWhyNot) {
    device.give_secret("wrong");
    Process run(device.words({"--once"}), device.next_output());
    EXPECT_EQ(run.wait(), 77) << run.errors();
    const auto lines = lines_of(run.output());
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_TRUE(lines[0].starts_with("not provisioned: owner-refused: ")) << lines[0];
    EXPECT_TRUE(lines[0].ends_with("; changed: no")) << lines[0];
}

TEST_F(Once, TellsScriptsAllOfIt) {
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, 0) << run.err;
    const auto json = Poco::JSON::Parser().parse(run.out).extract<Poco::JSON::Object::Ptr>();
    EXPECT_EQ(json->getValue<int>("version"), 1);
    EXPECT_EQ(json->getValue<std::string>("result"), "provisioned");
    EXPECT_EQ(json->getValue<std::string>("reason"), "healthy");
    EXPECT_TRUE(json->getValue<bool>("changed"));
    EXPECT_EQ(json->getValue<std::string>("key_id"), service.keys().at(0).id);
    EXPECT_EQ(json->getValue<std::string>("key_name"), service.key_names().at(0));
    EXPECT_EQ(json->getValue<int>("generation"), 1);
    EXPECT_EQ(json->getValue<std::string>("credential_file"), device.credential_file());
}

TEST_F(Once, SaysThatItRestoredTheCredentialFile) {
    expect_settled_by_a_run();
    std::filesystem::remove(device.credential_file());
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_TRUE(run.changed);
    expect_only_the_published_key();
}

TEST_F(Once, WithTheWrongPasswordThenTheRightOneGetsTheKey) {
    device.give_secret("wrong");
    expect_run(77, "owner-refused");
    EXPECT_FALSE(device.has_credential());
    device.give_secret(password);
    expect_settled_by_a_run();
}

TEST_F(Once, GivesUpAfterThreeKeysThatNeverLoggedIn) {
    set_patience("1s");
    service.faults.always("POST", "api-key/login", fakes::answer_with(401));
    expect_run(75, "new-key-refused");
    expect_run(75, "new-key-refused");
    expect_run(69, "new-keys-keep-failing");
    EXPECT_TRUE(service.key_names().empty());
    service.faults.clear();
    expect_settled_by_a_run();
}

TEST_F(Once, BesideAnotherDevkeydLeavesTheWorkToIt) {
    Daemon daemon(device);
    ASSERT_TRUE(daemon.tells("STATUS=healthy")) << daemon.process().errors();
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, 75);
    EXPECT_EQ(run.reason, "unavailable");
    EXPECT_NE(run.out.find("another devkeyd works there"), std::string::npos) << run.out;
    EXPECT_EQ(daemon.process().end(SIGTERM), 0);
}

TEST_F(Once, ThatIsInterruptedSaysSo) {
    const auto gate = std::make_shared<fakes::Gate>();
    service.faults.at("GET", "/location", fakes::delay_before(gate));
    Process run(device.words({"--once", "--json"}), device.next_output());
    ASSERT_TRUE(gate->reached());
    EXPECT_EQ(run.end(SIGTERM), 75) << run.errors();
    EXPECT_NE(run.output().find(R"("reason":"interrupted")"), std::string::npos) << run.output();
    expect_settled_by_a_run();
}

// ---- settings ----

struct Checked {
    int exit_code;
    Lines out;
    Lines err;
};

Checked check_config(Device& device) {
    Process run(device.words({"--check-config"}), device.next_output());
    const int exit_code = run.wait();
    return {exit_code, lines_of(run.output()), lines_of(run.errors())};
}

struct CheckConfig : Story {
    std::string policy_file = device.directory.file("policy.yaml");

    /// Mistakes in both files; what is said of each begins like one of the answered lines.
    Lines make_mistakes() {
        fakes::put(policy_file, "version: 1\nverify: {patience: 30}\nrotate: {after: soon}\n");
        device.more_lines = "policy: policy.yaml\ncolour: blue\n";
        device.service_lines = "  timeout: soon\n";
        device.credential_file_lines = "  mode: 0600\n";
        device.write_settings();
        return {settings_file() + ":7:12: service.timeout: ",
                settings_file() + ":17:9: credential_file.mode: ", settings_file() + ":22:1: colour: ",
                policy_file + ":2:20: verify.patience: ", policy_file + ":3:17: rotate.after: "};
    }
};

TEST_F(CheckConfig, SaysThatAllIsWellAndTouchesNothing) {
    const auto checked = check_config(device);
    EXPECT_EQ(checked.exit_code, 0);
    EXPECT_EQ(checked.out, Lines{settings_file() + ": ok"});
    EXPECT_EQ(checked.err, Lines{});
    EXPECT_TRUE(service.served().empty());
    EXPECT_FALSE(std::filesystem::exists(device.state_directory() + "/lock"));
}

TEST_F(CheckConfig, TellsAllMistakesOfBothFilesAtOnce) {
    const auto expected = make_mistakes();
    const auto checked = check_config(device);
    EXPECT_EQ(checked.exit_code, 78);
    EXPECT_EQ(checked.out, Lines{});
    ASSERT_EQ(checked.err.size(), expected.size()) << testing::PrintToString(checked.err);
    for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_TRUE(checked.err[i].starts_with(expected[i])) << checked.err[i] << "\nnot " << expected[i];
}

TEST_F(CheckConfig, TellsAllThatThisMachineLacksAtOnceAndTouchesNothing) {
    device.device_id = "{file: /no/such/id}";
    device.secret_source = "file: /no/such/secret";
    device.credential_file_lines = "  group: no-such-group\n";
    device.control_lines = "  read_group: no-such-readers\n";
    device.write_settings();
    change_settings(device.credential_file(), "/no/such/folder/credential.json");
    change_settings(service.authority.ca_file(), "/no/such/ca.pem");
    change_settings(device.state_directory(), "/no/such/parent/state");
    const auto checked = check_config(device);
    EXPECT_EQ(checked.exit_code, 78);
    EXPECT_EQ(checked.out, Lines{});
    const auto at = settings_file() + ": ";
    const std::string why = ": No such file or directory; ";
    const Lines expected{
        at + "service.ca_file: /no/such/ca.pem: can't be read" + why + "name the PEM file",
        at + "owner.secret.file: the owner's secret: /no/such/secret: can't be opened" + why + "create it",
        at + "device.id.file: the device id: /no/such/id: can't be opened" + why + "create it",
        at + "state_directory: /no/such/parent/state: can't open its directory" + why +
            "create the directory",
        at + "credential_file.path: /no/such/folder/credential.json: can't open its directory" + why +
            "create the directory",
        at + "control.read_group: there is no group 'no-such-readers' on this machine; create it",
        at + "credential_file.group: there is no group 'no-such-group' on this machine; create it"};
    ASSERT_EQ(checked.err.size(), expected.size()) << testing::PrintToString(checked.err);
    for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_TRUE(checked.err[i].starts_with(expected[i])) << checked.err[i] << "\nnot " << expected[i];
    EXPECT_TRUE(service.served().empty());
}

TEST_F(CheckConfig, RunsNoCommandAndMakesNoStateDirectory) {
    const auto trace = device.directory.file("trace");
    const auto command = "command: {run: [/usr/bin/touch, " + trace + "]}";
    device.device_id = "{" + command + "}";
    device.secret_source = command;
    device.write_settings();
    std::filesystem::remove(device.state_directory());
    change_settings(device.credential_file(), device.state_directory() + "/credential.json");
    const auto checked = check_config(device);
    EXPECT_EQ(checked.exit_code, 0) << testing::PrintToString(checked.err);
    EXPECT_FALSE(std::filesystem::exists(trace));
    EXPECT_FALSE(std::filesystem::exists(device.state_directory()));
}

TEST_F(CheckConfig, IsWhatARunDoesFirst) {
    const auto expected = make_mistakes();
    for (const Lines& flags : {Lines{}, Lines{"--once"}}) {
        Process run(device.words(flags), device.next_output());
        EXPECT_EQ(run.wait(), 78);
        for (const auto& mistake : expected)
            EXPECT_NE(run.errors().find("bad-settings: " + mistake), std::string::npos) << run.errors();
    }
    EXPECT_TRUE(service.served().empty());
}

}  // namespace
}  // namespace devkey::e2e
