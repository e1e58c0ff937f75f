#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "settings/load.hpp"
#include "settings/texts.hpp"

namespace devkey::settings {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

core::Settings good(const std::string& text) {
    const auto loaded = load_text(text);
    EXPECT_EQ(lines_of(loaded), Lines{}) << text;
    return loaded ? *loaded : core::Settings{};
}

TEST(GoodFiles, TheLeastTakesEveryDefault) {
    const auto settings = good(least);
    EXPECT_EQ(settings.service.url, "https://keys.example.com");
    EXPECT_EQ(settings.service.app, "devices");
    EXPECT_EQ(settings.service.ca_file, "");
    EXPECT_TRUE(settings.service.allowed_hosts.empty());
    EXPECT_FALSE(settings.service.plain_http);
    EXPECT_EQ(settings.service.connect_timeout, 10s);
    EXPECT_EQ(settings.service.request_timeout, 30s);
    EXPECT_EQ(settings.owner.provider, core::OwnerProvider::LocalUserpass);
    EXPECT_EQ(settings.owner.username, "site-7@example.com");
    EXPECT_EQ(std::get<core::FromCredential>(settings.owner.secret).name, "owner-secret");
    EXPECT_TRUE(std::holds_alternative<core::FromMachineId>(settings.device_id));
    EXPECT_EQ(settings.key_prefix, "devkey");
    EXPECT_EQ(settings.credential_file.path, "/var/lib/devkeyd/credential.json");
    EXPECT_EQ(settings.credential_file.mode, 0600U);
    EXPECT_EQ(settings.state_directory, "/var/lib/devkeyd");
    EXPECT_EQ(settings.credential_socket.path, "/run/devkeyd/credential.sock");
    EXPECT_TRUE(settings.credential_socket.units.empty());
    EXPECT_EQ(settings.policy, core::Policy{});
}

TEST(GoodFiles, EverySettingArrives) {
    const auto settings = good(R"(version: 1
service:
  kind: app-services
  url: http://LOCALHOST:8080/
  app: "12345"
  ca_file: /etc/devkeyd/ca.pem
  allowed_hosts: [Other.example.com, "10.0.0.1:8443", "[::1]:443"]
  plain_http: true
  connect_timeout: 1s500ms
  timeout: 2m
owner:
  provider: custom-function
  secret:
    command: {run: [/bin/echo, "", -n], timeout: 1m}
device: {id: {literal: 007}}
key: {prefix: My_Key_1}
credential_file: {path: /run/app/key, format: env, mode: "0440", group: app}
state_directory: /srv/devkeyd
credential_socket: {path: /run/app/key.sock, units: [app.service, many@.service]}
)");
    EXPECT_EQ(settings.service.url, "http://localhost:8080");
    EXPECT_EQ(settings.service.app, "12345");
    EXPECT_EQ(settings.service.ca_file, "/etc/devkeyd/ca.pem");
    EXPECT_EQ(settings.service.allowed_hosts, (Lines{"other.example.com", "10.0.0.1:8443", "[::1]"}));
    EXPECT_TRUE(settings.service.plain_http);
    EXPECT_EQ(settings.service.connect_timeout, 1500ms);
    EXPECT_EQ(settings.service.request_timeout, 2min);
    EXPECT_EQ(settings.owner.provider, core::OwnerProvider::CustomFunction);
    const auto& command = std::get<core::FromCommand>(settings.owner.secret);
    EXPECT_EQ(command.run, (Lines{"/bin/echo", "", "-n"}));
    EXPECT_EQ(command.timeout, 1min);
    EXPECT_EQ(std::get<core::FromLiteral>(settings.device_id).value, "007");
    EXPECT_EQ(settings.key_prefix, "My_Key_1");
    EXPECT_EQ(settings.credential_file.path, "/run/app/key");
    EXPECT_EQ(settings.credential_file.format, core::CredentialFormat::Env);
    EXPECT_EQ(settings.credential_file.mode, 0440U);
    EXPECT_EQ(settings.credential_file.group, "app");
    EXPECT_EQ(settings.state_directory, "/srv/devkeyd");
    EXPECT_EQ(settings.credential_socket.path, "/run/app/key.sock");
    EXPECT_EQ(settings.credential_socket.units, (Lines{"app.service", "many@.service"}));
}

TEST(GoodFiles, EveryKindOfSource) {
    const auto file = good(replaced(least, "credential: owner-secret", "file: /etc/secret"));
    EXPECT_EQ(std::get<core::FromFile>(file.owner.secret).path, "/etc/secret");
    const auto hostname = good(least + "device: {id: hostname}\n");
    EXPECT_TRUE(std::holds_alternative<core::FromHostname>(hostname.device_id));
    const auto id_file = good(least + "device: {id: {file: /etc/id}}\n");
    EXPECT_EQ(std::get<core::FromFile>(id_file.device_id).path, "/etc/id");
    const auto command = good(least + "device: {id: {command: {run: [/bin/id]}}}\n");
    EXPECT_EQ(std::get<core::FromCommand>(command.device_id).run, Lines{"/bin/id"});
    EXPECT_EQ(std::get<core::FromCommand>(command.device_id).timeout, 10s);
}

TEST(GoodFiles, EveryProviderModeAndFormat) {
    for (const std::string provider : {"custom-token", "custom-function"})
        good(replaced(replaced(least, "local-userpass", provider), "  username: site-7@example.com\n", ""));
    for (const std::string mode : {"0600", "0640", "0440", "0400"})
        good(least + "credential_file: {mode: \"" + mode + "\"}\n");
    for (const std::string format : {"json", "env", "raw"})
        good(least + "credential_file: {format: " + format + "}\n");
}

TEST(GoodFiles, EveryKindOfAddress) {
    for (const std::string url : {"https://a", "https://a.b-c.example:1", "https://10.1.2.3:65535",
                                  "https://[::1]:80", "https://localhost/", "https://a_b.example"})
        EXPECT_EQ(
            good(replaced(least, "https://keys.example.com", "\"" + url + "\"")).service.url.substr(0, 8),
            "https://");
    const auto plain = replaced(least, "  app:", "  plain_http: true\n  app:");
    for (const std::string url :
         {"http://localhost", "http://127.0.0.1:80", "http://127.9.9.9:8", "http://[::1]:81"})
        good(replaced(plain, "https://keys.example.com", "\"" + url + "\""));
    EXPECT_EQ(good(replaced(least, ".com", ".com:443")).service.url, "https://keys.example.com");
}

TEST(GoodFiles, LineEndsByteOrderMarkAndMarkersDontMatter) {
    auto windows = "\xEF\xBB\xBF" + least;
    for (std::size_t at = 0; (at = windows.find('\n', at)) != std::string::npos; at += 2)
        windows.replace(at, 1, "\r\n");
    EXPECT_EQ(good(windows).service.app, "devices");
    EXPECT_EQ(good("%YAML 1.2\n---\n" + least + "...\n").service.app, "devices");
    EXPECT_EQ(good("# söme cömment\n\n" + least).service.app, "devices");
}

TEST(GoodFiles, EverySettingOfThePolicyArrives) {
    const auto loaded = load_policy_text(R"(version: 1
rotate: {after: 10d, jitter: 0%, windows: ["Mon..Fri 02:00-05:00", "Sat,Sun 22:00-02:00"], time_zone: local}
verify: {patience: 1m}
superseded: {keep_enabled: 2h, then: delete, delete_after: 1d}
other_installations: {action: disable, after: 5d}
outside_changes: {disabled: replace, deleted: replace}
watchdog:
  jitter: 50%
  credential_file: false
  key_login: {every: never}
  key_listed: {every: 1h30m}
hooks:
  after_publish: {run: [/usr/bin/systemctl, restart, it], timeout: 1m, required: true}
  on_failure: {run: [/bin/tell]}
)");
    ASSERT_EQ(lines_of(loaded), Lines{});
    const core::Policy expected{
        .rotate = {.after = std::chrono::days{10},
                   .jitter_percent = 0,
                   .windows = {*core::parse_window("Mon..Fri 02:00-05:00"),
                               *core::parse_window("Sat,Sun 22:00-02:00")},
                   .local_time = true},
        .verify_patience = 1min,
        .superseded = {.keep_enabled = 2h,
                       .then = core::SupersededPolicy::Then::Delete,
                       .delete_after = std::chrono::days{1}},
        .other_installations = {.action = core::OtherInstallationsPolicy::Action::Disable,
                                .after = std::chrono::days{5}},
        .outside_changes = {.disabled = core::OutsideChangesPolicy::Disabled::Replace,
                            .deleted = core::OutsideChangesPolicy::Deleted::Replace},
        .watchdog = {.jitter_percent = 50, .credential_file = false, .key_login = {}, .key_listed = 90min},
        .hooks = {
            .after_publish =
                core::Hook{.run = {"/usr/bin/systemctl", "restart", "it"}, .timeout = 1min, .required = true},
            .on_failure = core::Hook{.run = {"/bin/tell"}}}};
    EXPECT_EQ(loaded->policy, expected);
    EXPECT_FALSE(load_policy_text("version: 1\nrotate: {after: never}\n")->policy.rotate.after);
}

TEST(GoodFiles, ThePolicyIsFoundBesideOrByItsAbsolutePath) {
    const std::string policy = "version: 1\nverify: {patience: 1m}\nwatchdog: {credential_file: false}\n";
    for (const auto& [name, path] : {std::pair{"p.yaml", "conf/p.yaml"},
                                     {"../p.yaml", "conf/../p.yaml"},
                                     {"/etc/p.yaml", "/etc/p.yaml"}}) {
        const auto loaded =
            load("conf/devkeyd.yaml", core::Capabilities{},
                 texts({{"conf/devkeyd.yaml", least + "policy: " + name + "\n"}, {path, policy}}));
        ASSERT_TRUE(loaded) << path << format(loaded.error().front());
        EXPECT_EQ(loaded->policy.verify_patience, 1min);
        EXPECT_FALSE(loaded->policy.watchdog.credential_file);
    }
}

class ReadTextTest : public testing::Test {
 protected:
    void SetUp() override { ASSERT_NE(::mkdtemp(folder.data()), nullptr); }
    void TearDown() override { std::filesystem::remove_all(folder); }
    std::string folder = (std::filesystem::temp_directory_path() / "devkeyd-XXXXXX").string();
};

TEST_F(ReadTextTest, ReadsFromDisk) {
    std::ofstream{folder + "/devkeyd.yaml"} << least << "policy: p.yaml\n";
    std::ofstream{folder + "/p.yaml"} << "version: 1\nverify: {patience: 2m}\n";
    const auto loaded = load(folder + "/devkeyd.yaml", core::Capabilities{});
    ASSERT_TRUE(loaded) << format(loaded.error().front());
    EXPECT_EQ(loaded->policy.verify_patience, 2min);
}

TEST_F(ReadTextTest, SaysWhyItCant) {
    EXPECT_EQ(load(folder + "/no.yaml", core::Capabilities{}).error().at(0).message,
              "can't open it: No such file or directory");
    EXPECT_EQ(load(folder, core::Capabilities{}).error().at(0).message,
              "this is a folder: name the file in it");
    std::ofstream{folder + "/large.yaml"} << std::string(64 * 1024, '#') + "#";
    EXPECT_NE(load(folder + "/large.yaml", core::Capabilities{}).error().at(0).message.find("64 KiB"),
              std::string::npos);
    EXPECT_EQ(format(load(folder, core::Capabilities{}).error().at(0)),
              folder + ": this is a folder: name the file in it");
    EXPECT_FALSE(load("/dev/zero", core::Capabilities{}));
}

}  // namespace
}  // namespace devkey::settings
