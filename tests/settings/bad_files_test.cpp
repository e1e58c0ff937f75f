#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "fakes/temporary_directory.hpp"
#include "settings/texts.hpp"

namespace devkey::settings {
namespace {

using Lines = std::vector<std::string>;

struct Mistake {
    const char* from;  ///< what stands in `least`; empty: nothing is replaced, `to` is appended
    const char* to;
    const char* problem;  ///< how the only problem begins
};

std::string with(const Mistake& mistake) {
    return *mistake.from == '\0' ? least + mistake.to : replaced(least, mistake.from, mistake.to);
}

class BadDevkeydYaml : public testing::TestWithParam<Mistake> {};

TEST_P(BadDevkeydYaml, IsOneProblemAtItsPlace) {
    const auto lines = lines_of(load_text(with(GetParam())));
    ASSERT_EQ(lines.size(), 1U) << with(GetParam()) << testing::PrintToString(lines);
    EXPECT_EQ(lines[0].rfind(GetParam().problem, 0), 0U) << lines[0] << "\n expected " << GetParam().problem;
}

constexpr const char* url = "https://keys.example.com";
constexpr const char* secret = "{credential: owner-secret}";

INSTANTIATE_TEST_SUITE_P(
    Yaml, BadDevkeydYaml,
    testing::Values(
        Mistake{"version: 1\n", "", "devkeyd.yaml:1:1: version is missing"},
        Mistake{"version: 1", "version: 2", "devkeyd.yaml:1:10: version: expected 1"},
        Mistake{"version: 1", "version: \"1\"", "devkeyd.yaml:1:10: version: expected 1, without quotes"},
        Mistake{"version: 1", "version:", "devkeyd.yaml:1:1: version: is empty: expected 1"},
        Mistake{"version: 1", "version: [1]", "devkeyd.yaml:1:10: version: expected 1"},
        Mistake{"version: 1", "version: 1\nversion: 1",
                "devkeyd.yaml:2:1: this key is doubled: it stands first on line 1"},
        Mistake{"  app: devices", "  app: devices\n  app: other", "devkeyd.yaml:6:3: this key is doubled"},
        Mistake{"app: devices", "app: &a devices", "devkeyd.yaml:5:8: anchors and aliases"},
        Mistake{"kind: app-services", "<<: {app: x}\n  kind: app-services", "devkeyd.yaml:3:3: merge keys"},
        Mistake{"app: devices", "app: devices\n  allowed_hosts: &a [[x], {y: z}]",
                "devkeyd.yaml:6:18: anchors and aliases"},
        Mistake{"app: devices", "app: !!str devices", "devkeyd.yaml:5:8: tags"},
        Mistake{"app: devices", "app: devices\n  [a, b]: c", "devkeyd.yaml:6:3: a key must be a plain word"},
        Mistake{"app: devices", "app: devices\n  \"\\x1b[2J\": c",
                "devkeyd.yaml:6:3: a key must be a plain word"},
        Mistake{"app: devices", "app: devices\n  ~: c", "devkeyd.yaml:6:3: a key must be a plain word"},
        Mistake{"", "---\nversion: 1\n", "devkeyd.yaml:10:1: a second document"},
        Mistake{"app: devices", "app: [devices",
                "devkeyd.yaml:6:6: not YAML: end of sequence flow not found"},
        Mistake{"  app: devices", "\tapp: devices", "devkeyd.yaml:5:1: not YAML: a tab"},
        Mistake{"  url", "\turl", "devkeyd.yaml:4:1: not YAML: a tab stands at the line's beginning"},
        Mistake{"app: devices", "app: \"devices", "devkeyd.yaml:10:1: not YAML: a quote is opened"},
        Mistake{"", "state_directory: \"/x\n", "devkeyd.yaml:11:1: not YAML: a quote is opened"},
        Mistake{"app: devices", "app: \xc2\x9b", "devkeyd.yaml:5:8: this is not text"},
        Mistake{"app: devices", "app: \xed\xa0\x80", "devkeyd.yaml:5:8: this is not text"},
        Mistake{"app: devices", "app: \xc0\xaf", "devkeyd.yaml:5:8: this is not text"},
        Mistake{"{credential: owner-secret}", "&x {credential: owner-secret}",
                "devkeyd.yaml:9:11: anchors and aliases"},
        Mistake{"app: devices", "app: \"dev\\qices\"",
                "devkeyd.yaml:5:14: not YAML: unknown escape character"},
        Mistake{"app: devices",
                "app: devi\x01"
                "ces",
                "devkeyd.yaml:5:12: this is not text"},
        Mistake{"app: devices", "app: devi\xff", "devkeyd.yaml:5:12: this is not text"},
        Mistake{"app: devices", "app: devi\xc3", "devkeyd.yaml:5:12: this is not text"}));

INSTANTIATE_TEST_SUITE_P(
    Service, BadDevkeydYaml,
    testing::Values(
        Mistake{"  kind: app-services\n", "", "devkeyd.yaml:3:3: service.kind is missing"},
        Mistake{"kind: app-services", "kind: better",
                "devkeyd.yaml:3:9: service.kind: expected app-services"},
        Mistake{"  app: devices\n", "", "devkeyd.yaml:3:3: service.app is missing"},
        Mistake{"app: devices", "app:", "devkeyd.yaml:5:3: service.app: is empty"},
        Mistake{"app: devices", "app: \"\"", "devkeyd.yaml:5:8: service.app: is empty"},
        Mistake{"app: devices", "app: ~", "devkeyd.yaml:5:3: service.app: is empty"},
        Mistake{"app: devices", "app: [a]", "devkeyd.yaml:5:8: service.app: expected a text"},
        Mistake{"app: devices", "app: {a: b}", "devkeyd.yaml:5:8: service.app: expected a text"},
        Mistake{"app: devices", "app: a/b", "devkeyd.yaml:5:8: service.app: expected an app id"},
        Mistake{"app: devices", "app: ..", "devkeyd.yaml:5:8: service.app: expected an app id"},
        Mistake{"app: devices", "app: \"a\\nb\"", "devkeyd.yaml:5:8: service.app: holds a line end"},
        Mistake{"app: devices", "app: \"a\\x9bb\"", "devkeyd.yaml:5:8: service.app: holds a line end"},
        Mistake{"app: devices", "app: \"a\\x00b\"",
                "devkeyd.yaml:5:8: service.app: holds a line end or another control"},
        Mistake{
            "  app:", "  apps: 1\n  app:", "devkeyd.yaml:5:3: service.apps: unknown key; did you mean app?"},
        Mistake{"  app:", "  colour: red\n  app:", "devkeyd.yaml:5:3: service.colour: unknown key"},
        Mistake{url, "ftp://a", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https://", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https:///", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https://a/path", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https://me:pw@a", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https://a?b", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https://a:0", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https://a:65536", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https://a:08", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https://a..b", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https://-a", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https://1.2.3", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https://999.1.1.1", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https://[::g]", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "https://ke\xcc\x81ys", "devkeyd.yaml:4:8: service.url: expected https://host"},
        Mistake{url, "http://localhost",
                "devkeyd.yaml:4:8: service.url: http:// needs service.plain_http: true"},
        Mistake{url, "http://a\n  plain_http: true",
                "devkeyd.yaml:4:8: service.url: http:// would send secrets"},
        Mistake{url, "http://127.0.0.1.evil.example\n  plain_http: true",
                "devkeyd.yaml:4:8: service.url: http:// would"},
        Mistake{"  app:", "  plain_http: yes\n  app:",
                "devkeyd.yaml:5:15: service.plain_http: expected true or false"},
        Mistake{"  app:", "  plain_http: \"true\"\n  app:",
                "devkeyd.yaml:5:15: service.plain_http: expected true or false"},
        Mistake{"  app:", "  timeout: 10\n  app:",
                "devkeyd.yaml:5:12: service.timeout: expected a duration like 30d"},
        Mistake{
            "  app:", "  timeout: 0s\n  app:", "devkeyd.yaml:5:12: service.timeout: out of range: 1s to 10m"},
        Mistake{"  app:", "  connect_timeout: 3m\n  app:",
                "devkeyd.yaml:5:20: service.connect_timeout: out of range: 1s to 2m"},
        Mistake{"  app:", "  ca_file: ca.pem\n  app:",
                "devkeyd.yaml:5:12: service.ca_file: expected an absolute path"},
        Mistake{"  app:", "  ca_file: \"\"\n  app:", "devkeyd.yaml:5:12: service.ca_file: is empty"},
        Mistake{"  app:", "  allowed_hosts: a\n  app:",
                "devkeyd.yaml:5:18: service.allowed_hosts: expected a list"},
        Mistake{"  app:", "  allowed_hosts: [a, 'https://b']\n  app:",
                "devkeyd.yaml:5:22: service.allowed_hosts[1]: expected host"}));

const std::string too_long_a_name = "metrics: {textfile: /m/" + std::string(240, 'x') + ".prom}\n";

INSTANTIATE_TEST_SUITE_P(
    Metrics, BadDevkeydYaml,
    testing::Values(Mistake{"", "metrics: {textfile: devkeyd.prom}\n",
                            "devkeyd.yaml:10:21: metrics.textfile: expected an absolute path"},
                    Mistake{"", "metrics: {textfile: /m/devkeyd.txt}\n",
                            "devkeyd.yaml:10:21: metrics.textfile: expected a file whose name ends in .prom"},
                    Mistake{"", "metrics: {textfile: /m/.prom}\n",
                            "devkeyd.yaml:10:21: metrics.textfile: expected a file whose name ends in .prom"},
                    Mistake{"", too_long_a_name.c_str(),
                            "devkeyd.yaml:10:21: metrics.textfile: the file's name is too long"},
                    Mistake{"", "metrics: {textfile: [/m/a.prom]}\n",
                            "devkeyd.yaml:10:21: metrics.textfile: expected a text"},
                    Mistake{"", "metrics: {testfile: /m/a.prom}\n",
                            "devkeyd.yaml:10:11: metrics.testfile: unknown key; did you mean textfile?"},
                    Mistake{"", "metrics: {textfile: /m/a.prom}\ncredential_file: {path: /m/a.prom}\n",
                            "devkeyd.yaml:10:21: metrics.textfile: is credential_file.path, too"},
                    Mistake{"{credential: owner-secret}", "{file: /m/a.prom}\nmetrics: {textfile: /m/a.prom}",
                            "devkeyd.yaml:10:21: metrics.textfile: is owner.secret.file, too"}));

INSTANTIATE_TEST_SUITE_P(
    Owner, BadDevkeydYaml,
    testing::Values(
        Mistake{"local-userpass", "anon-user",
                "devkeyd.yaml:7:13: owner.provider: a session of this provider can't manage keys"},
        Mistake{"  provider: local-userpass\n", "", "devkeyd.yaml:7:3: owner.provider is missing"},
        Mistake{"local-userpass", "api-key",
                "devkeyd.yaml:7:13: owner.provider: a session of this provider can't manage keys"},
        Mistake{
            "local-userpass", "ldap",
            "devkeyd.yaml:7:13: owner.provider: expected local-userpass, custom-token or custom-function"},
        Mistake{"local-userpass", "custom-token",
                "devkeyd.yaml:8:13: owner.username: is for local-userpass only"},
        Mistake{"  username: site-7@example.com\n", "", "devkeyd.yaml:7:3: owner.username is missing"},
        Mistake{"username: site-7@example.com", "username:", "devkeyd.yaml:8:3: owner.username: is empty"},
        Mistake{"  secret: {credential: owner-secret}\n", "", "devkeyd.yaml:7:3: owner.secret is missing"},
        Mistake{secret, "hunter2", "devkeyd.yaml:9:11: owner.secret: expected {credential: NAME}"},
        Mistake{secret, "{}",
                "devkeyd.yaml:9:11: owner.secret: expected exactly one of credential, file, command"},
        Mistake{secret, "{credential: a, file: /b}",
                "devkeyd.yaml:9:11: owner.secret: expected exactly one of"},
        Mistake{secret, "{credential: a/b}", "devkeyd.yaml:9:24: owner.secret.credential: expected the name"},
        Mistake{secret, "{credential: ..}", "devkeyd.yaml:9:24: owner.secret.credential: expected the name"},
        Mistake{secret, "{file: b}", "devkeyd.yaml:9:18: owner.secret.file: expected an absolute path"},
        Mistake{secret, "{file: /a/../b}", "devkeyd.yaml:9:18: owner.secret.file: expected a path without"},
        Mistake{secret, "{command: [/bin/x]}",
                "devkeyd.yaml:9:21: owner.secret.command: expected keys and values"},
        Mistake{secret, "{command: {timeout: 1s}}", "devkeyd.yaml:9:21: owner.secret.command.run is missing"},
        Mistake{secret, "{command: {run: []}}", "devkeyd.yaml:9:27: owner.secret.command.run: is empty"},
        Mistake{secret, "{command: {run: /bin/x}}",
                "devkeyd.yaml:9:27: owner.secret.command.run: expected a list"},
        Mistake{secret, "{command: {run: [x]}}",
                "devkeyd.yaml:9:28: owner.secret.command.run[0]: expected an absolute path"},
        Mistake{secret, "{command: {run: [/x, {}]}}",
                "devkeyd.yaml:9:32: owner.secret.command.run[1]: expected a text"},
        Mistake{secret, "{command: {run: [/x], timeout: 6m}}",
                "devkeyd.yaml:9:42: owner.secret.command.timeout: out of range"},
        Mistake{secret, "{command: {run: [/x], shell: true}}",
                "devkeyd.yaml:9:33: owner.secret.command.shell: unknown key"},
        Mistake{secret, "{credential: a, hunter2: b}",
                "devkeyd.yaml:9:27: owner.secret: unknown key; the secret itself never"}));

INSTANTIATE_TEST_SUITE_P(
    Rest, BadDevkeydYaml,
    testing::Values(
        Mistake{"", "device: {id: serial}",
                "devkeyd.yaml:10:14: device.id: expected machine-id, hostname, {literal"},
        Mistake{"", "device: {id: {literal: ''}}", "devkeyd.yaml:10:24: device.id.literal: is empty"},
        Mistake{"", "device: {id: {literal: 'pömp'}}",
                "devkeyd.yaml:10:24: device.id.literal: may hold printable ASCII"},
        Mistake{"", "device: {id: {literal: ' pump'}}",
                "devkeyd.yaml:10:24: device.id.literal: may hold printable ASCII"},
        Mistake{"", "device: {id: {literal: 'pump '}}",
                "devkeyd.yaml:10:24: device.id.literal: may hold printable ASCII"},
        Mistake{"", "device: {id: {}}",
                "devkeyd.yaml:10:14: device.id: expected exactly one of literal, file, command"},
        Mistake{"", "device: {id: {file: id}}",
                "devkeyd.yaml:10:21: device.id.file: expected an absolute path"},
        Mistake{"", "device: {ids: hostname}",
                "devkeyd.yaml:10:10: device.ids: unknown key; did you mean id?"},
        Mistake{"", "key: {prefix: a-b}", "devkeyd.yaml:10:15: key.prefix: expected letters, digits and '_'"},
        Mistake{"", "key: {prefix: ''}", "devkeyd.yaml:10:15: key.prefix: is empty"},
        Mistake{"", "key: {prefix: abcdefghijklmnopq}",
                "devkeyd.yaml:10:15: key.prefix: is too long: at most 16"},
        Mistake{"", "credential_socket: {units: my.service}",
                "devkeyd.yaml:10:28: credential_socket.units: expected a list"},
        Mistake{"", "credential_socket: {units: [a.service, my-program]}",
                "devkeyd.yaml:10:40: credential_socket.units[1]: expected a unit's name, my-program.service"},
        Mistake{"", "credential_socket: {units: [a/b.service]}",
                "devkeyd.yaml:10:29: credential_socket.units[0]: expected a unit's name"},
        Mistake{"", "credential_socket: {unit: [a.service]}",
                "devkeyd.yaml:10:21: credential_socket.unit: unknown key; did you mean units?"},
        Mistake{"", "credential_socket: {path: /run/devkeyd/control.sock}",
                "devkeyd.yaml:10:27: credential_socket.path: is control.socket, too: choose another"},
        Mistake{"",
                "control: {socket: /run/devkeyd/credential.sock}\ncredential_socket: {units: [a.service]}",
                "devkeyd.yaml:10:19: credential_socket.path: is control.socket, too: choose another"},
        Mistake{"", "control: {socket: /var/lib/devkeyd/credential.json}",
                "devkeyd.yaml:10:19: control.socket: is credential_file.path, too: choose another"},
        Mistake{"", "credential_file: {path: /run/devkeyd/control.sock}",
                "devkeyd.yaml:10:25: control.socket: is credential_file.path, too: choose another"},
        Mistake{"", "credential_socket: {path: /var/lib/devkeyd/state.json}",
                "devkeyd.yaml:10:27: credential_socket.path: is state_directory/state.json, too"},
        Mistake{secret, "{file: /etc/secret}\ncredential_socket: {path: /etc/secret}",
                "devkeyd.yaml:10:27: credential_socket.path: is owner.secret.file, too: choose another"},
        Mistake{"", "credential_file: {mode: 0600}",
                "devkeyd.yaml:10:25: credential_file.mode: expected \"0600\", \"0640\", \"0440\" or "
                "\"0400\", in quotes"},
        Mistake{"", "credential_file: {mode: 384}",
                "devkeyd.yaml:10:25: credential_file.mode: expected \"0600\""},
        Mistake{"", "credential_file: {mode: '600'}",
                "devkeyd.yaml:10:25: credential_file.mode: expected \"0600\""},
        Mistake{"", "credential_file: {mode: '0680'}",
                "devkeyd.yaml:10:25: credential_file.mode: expected \"0600\""},
        Mistake{"", "credential_file: {mode: u=rw}",
                "devkeyd.yaml:10:25: credential_file.mode: expected \"0600\""},
        Mistake{"", "credential_file: {mode: '0644'}",
                "devkeyd.yaml:10:25: credential_file.mode: others must have no access"},
        Mistake{"", "credential_file: {mode: '4600'}",
                "devkeyd.yaml:10:25: credential_file.mode: set-user-id"},
        Mistake{"", "credential_file: {mode: '0700'}",
                "devkeyd.yaml:10:25: credential_file.mode: it is not a program"},
        Mistake{"", "credential_file: {mode: '0660'}",
                "devkeyd.yaml:10:25: credential_file.mode: the group must not write"},
        Mistake{"", "credential_file: {mode: '0040'}",
                "devkeyd.yaml:10:25: credential_file.mode: the owner must be able"},
        Mistake{"", "credential_file: {format: ini}",
                "devkeyd.yaml:10:27: credential_file.format: expected json or env or raw"},
        Mistake{"", "credential_file: {group: 'a b'}",
                "devkeyd.yaml:10:26: credential_file.group: expected the name of a group"},
        Mistake{"", "credential_file: {path: key}",
                "devkeyd.yaml:10:25: credential_file.path: expected an absolute path"},
        Mistake{"", "credential_file: {path: /}",
                "devkeyd.yaml:10:25: credential_file.path: expected a path without"},
        Mistake{"", "credential_file: {owner: app}",
                "devkeyd.yaml:10:19: credential_file.owner: unknown key"},
        Mistake{"", "credential_file: {path: /var/lib/devkeyd/state.json}",
                "devkeyd.yaml:10:25: credential_file.path: is state_directory/state.json, too"},
        Mistake{"", "credential_file: {path: /var/lib/devkeyd/.state.json.devkeyd-new}",
                "devkeyd.yaml:10:25: credential_file.path: is state_directory/.state.json.devkeyd-new, too"},
        Mistake{"", "credential_file: {path: /var/lib/devkeyd}",
                "devkeyd.yaml:10:25: credential_file.path: is state_directory, too"},
        Mistake{"", "credential_file: {path: /c/devkeyd.yaml}",
                "devkeyd.yaml:10:25: credential_file.path: is this file, too"},
        Mistake{"", "device: {id: {file: /etc/id}}\ncredential_file: {path: /etc/id}",
                "devkeyd.yaml:11:25: credential_file.path: is device.id.file, too"},
        Mistake{"", "state_directory: /var/lib/devkeyd/credential.json",
                "devkeyd.yaml:10:18: credential_file.path: is state_directory, too"},
        Mistake{"", "state_directory: var/lib",
                "devkeyd.yaml:10:18: state_directory: expected an absolute path"},
        Mistake{"", "state_directory: /var//lib",
                "devkeyd.yaml:10:18: state_directory: expected a path without"},
        Mistake{"", "policy: no.yaml", "devkeyd.yaml:10:9: policy: /c/no.yaml: can't open it"},
        Mistake{"", "policy: ''", "devkeyd.yaml:10:9: policy: is empty"},
        Mistake{"", "Key: {prefix: a}", "devkeyd.yaml:10:1: Key: unknown key; did you mean key?"},
        Mistake{"", "statedirectory: /x",
                "devkeyd.yaml:10:1: statedirectory: unknown key; did you mean state_directory?"}));

TEST(BadFiles, AllProblemsOfBothFilesAtOnceInTheOrderOfTheirPlaces) {
    const std::string devkeyd = R"(version: 1
policy: policy.yaml
service:
  url: http://example.com
  app: devices
  tiemout: 5s
  timeout: 5
owner:
  provider: api-key
  secret: hunter2
credential_file: {mode: 0600}
)";
    const auto loaded =
        load("/c/devkeyd.yaml", core::Capabilities{},
             texts({{"/c/devkeyd.yaml", devkeyd}, {"/c/policy.yaml", "verify: {patience: 0s}\nhook: {}\n"}}));
    std::vector<std::string> places;
    for (const auto& line : lines_of(loaded)) places.push_back(line.substr(0, line.find(": ")));
    EXPECT_EQ(places, (Lines{"devkeyd.yaml:4:3", "devkeyd.yaml:4:8", "devkeyd.yaml:6:3", "devkeyd.yaml:7:12",
                             "devkeyd.yaml:9:13", "devkeyd.yaml:10:11", "devkeyd.yaml:11:25",
                             "policy.yaml:1:1", "policy.yaml:1:20", "policy.yaml:2:1"}));
}

TEST(BadFiles, AHeartbeatFileThatDevkeydItselfWritesIsRefused) {
    for (const char* file : {"/var/lib/devkeyd/state.json", "/var/lib/devkeyd/credential.json",
                             "/c/policy.yaml", "/c/devkeyd.yaml"}) {
        const auto lines = lines_of(
            load_policy_text("version: 1\nwatchdog: {heartbeat: {file: " + std::string(file) + "}}\n"));
        ASSERT_EQ(lines.size(), 1U) << file;
        EXPECT_EQ(lines[0].rfind("policy.yaml: watchdog.heartbeat.file: " + std::string(file), 0), 0U)
            << lines[0];
    }
}

TEST(BadFiles, ASectionThatIsNoneIsOneProblemNotOnePerKey) {
    const auto text = least.substr(0, least.find("service:")) + "service: 5\nowner: []\n";
    EXPECT_EQ(lines_of(load_text(text)),
              (Lines{"devkeyd.yaml:2:10: service: expected keys and values below it",
                     "devkeyd.yaml:3:8: owner: expected keys and values below it"}));
}

TEST(BadFiles, AreRegularAndSmallAndNeverWaitedFor) {
    const fakes::TemporaryDirectory directory;
    const auto fault = [&](const std::string& name) {
        const auto text = read_text(directory.file(name));
        return text ? "read" : text.error().message;
    };
    fakes::put(directory.file("largest"), std::string(65536, ' '));
    fakes::put(directory.file("larger"), std::string(65537, ' '));
    std::filesystem::create_directory(directory.file("folder"));
    ASSERT_EQ(::mkfifo(directory.file("pipe").c_str(), 0600), 0);  // opening it would wait for a writer
    EXPECT_EQ(read_text(directory.file("largest")).value().size(), 65536U);
    EXPECT_EQ(fault("larger"), "larger than 64 KiB: this is no settings file");
    EXPECT_EQ(fault("folder"), "this is a folder: name the file in it");
    EXPECT_EQ(fault("pipe"), "this is a pipe or a device: name a regular file");
    EXPECT_EQ(fault("none"), "can't open it: No such file or directory");
}

TEST(BadFiles, NestedWithoutEndAreRefused) {
    std::string text = "version: 1\ndevice: ";
    for (int i = 0; i < 10'000; ++i) text += "{id: ";
    const auto lines = lines_of(load_text(text));
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(lines[0].find("nested too deeply"), std::string::npos) << lines[0];
}

TEST(BadFiles, TheDefaultPathIsCheckedToo) {
    const auto lines = lines_of(
        load_text(replaced(least, "credential: owner-secret", "file: /var/lib/devkeyd/credential.json")));
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_TRUE(lines[0].starts_with("devkeyd.yaml:9:18: credential_file.path: is owner.secret")) << lines[0];
}

TEST(BadFiles, ASecretInTheWrongPlaceIsNeverQuoted) {
    for (const std::string value : {"hunter2",
                                    "{hunter2}",
                                    "{hunter2: hunter2}",
                                    "{password: hunter2}",
                                    "{credential: a/hunter2}",
                                    "{file: hunter2}",
                                    "*hunter2",
                                    "&hunter2 x",
                                    "!hunter2 x",
                                    "[hunter2]",
                                    "{command: hunter2}",
                                    "{command: {run: [hunter2]}}",
                                    "{command: {run: [/x], timeout: hunter2}}",
                                    "\"hunter2",
                                    "|hunter2",
                                    "%hunter2",
                                    "@hunter2",
                                    "{hunter2, hunter2}",
                                    "{credential: hunter2, hunter2: }",
                                    "hunter2: hunter2",
                                    "\"\\hunter2\""}) {
        const auto lines = lines_of(load_text(replaced(least, "{credential: owner-secret}", value)));
        EXPECT_FALSE(lines.empty()) << value;
        for (const auto& line : lines)
            EXPECT_EQ(line.find("hunter2"), std::string::npos) << value << " → " << line;
    }
}

}  // namespace
}  // namespace devkey::settings
