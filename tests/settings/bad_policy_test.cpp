// What a wrong policy.yaml is told.
#include <gtest/gtest.h>

#include "settings/texts.hpp"

namespace devkey::settings {
namespace {

struct PolicyMistake {
    const char* text;
    const char* problem;  ///< how the only problem begins
};

class BadPolicyYaml : public testing::TestWithParam<PolicyMistake> {};

TEST_P(BadPolicyYaml, IsOneProblemAtItsPlace) {
    const auto lines = lines_of(load_policy_text(GetParam().text));
    ASSERT_EQ(lines.size(), 1U) << testing::PrintToString(lines);
    EXPECT_EQ(lines[0].rfind(GetParam().problem, 0), 0U) << lines[0];
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadPolicyYaml,
    testing::Values(
        PolicyMistake{"verify: {patience: 1s}", "policy.yaml:1:1: version is missing"},
        PolicyMistake{"version: 1\nverify: {patience: 0s}",
                      "policy.yaml:2:20: verify.patience: out of range: 1s to 10m"},
        PolicyMistake{"version: 1\nverify: {patience: soon}",
                      "policy.yaml:2:20: verify.patience: expected a duration"},
        PolicyMistake{"version: 1\nverify: {patience: 1s, after: 2s}",
                      "policy.yaml:2:24: verify.after: unknown key"},
        PolicyMistake{"version: 1\nverify:", "policy.yaml:2:1: verify: is empty: expected keys"},
        PolicyMistake{"version: 1\nwatchdog: {credential_file: on}",
                      "policy.yaml:2:29: watchdog.credential_file: expected true or false"},
        PolicyMistake{"version: 1\nwatchdog: {key_login: 6h}",
                      "policy.yaml:2:23: watchdog.key_login: expected keys"},
        PolicyMistake{"version: 1\nwatchdog: {key_login: {every: 0s}}",
                      "policy.yaml:2:31: watchdog.key_login.every: out of range: 1s to 365d"},
        PolicyMistake{"version: 1\nwatchdog: {key_listed: {every: seldom}}",
                      "policy.yaml:2:32: watchdog.key_listed.every: expected a duration"},
        PolicyMistake{"version: 1\nwatchdog: {heartbeat: {then: alert}}",
                      "policy.yaml:2:23: watchdog.heartbeat.file is missing"},
        PolicyMistake{"version: 1\nwatchdog: {heartbeat: {file: alive}}",
                      "policy.yaml:2:30: watchdog.heartbeat.file: expected"},
        PolicyMistake{"version: 1\nwatchdog: {heartbeat: {file: /run/a, then: delete}}",
                      "policy.yaml:2:44: watchdog.heartbeat.then: expected disable or rotate or alert"},
        PolicyMistake{"version: 1\nwatchdog: {heartbeat: {file: /run/a, stale_after: 1s}}",
                      "policy.yaml:2:51: watchdog.heartbeat.stale_after: out of range"},
        PolicyMistake{"version: 1\nwatchdog: {heartbeat: /run/a}",
                      "policy.yaml:2:23: watchdog.heartbeat: expected keys"},
        PolicyMistake{"version: 1\nwatchdog: {jitter: 51%}",
                      "policy.yaml:2:20: watchdog.jitter: expected a percentage from 0% to 50%"},
        PolicyMistake{"version: 1\nrotate: {jitter: 10}",
                      "policy.yaml:2:18: rotate.jitter: expected a percentage"},
        PolicyMistake{"version: 1\nrotate: {after: 1s}",
                      "policy.yaml:2:17: rotate.after: out of range: 5s to"},
        PolicyMistake{"version: 1\nrotate: {windows: 02:00-05:00}",
                      "policy.yaml:2:19: rotate.windows: expected a list"},
        PolicyMistake{"version: 1\nrotate: {windows: [25:00-26:00]}",
                      "policy.yaml:2:20: rotate.windows[0]: expected a window"},
        PolicyMistake{"version: 1\nrotate: {time_zone: CET}",
                      "policy.yaml:2:21: rotate.time_zone: expected utc or local"},
        PolicyMistake{"version: 1\nsuperseded: {then: keep}",
                      "policy.yaml:2:20: superseded.then: expected disable or delete"},
        PolicyMistake{"version: 1\noutside_changes: {deleted: enable}",
                      "policy.yaml:2:28: outside_changes.deleted: expected hold or replace"},
        PolicyMistake{"version: 1\noutside_changes: {deleted: replace}\n"
                      "watchdog: {key_login: {every: never}, key_listed: {every: never}}",
                      "policy.yaml:2:18: outside_changes: is never noticed"},
        PolicyMistake{"version: 1\nother_installations: {action: delete}\nrotate: {after: never}\n"
                      "watchdog: {key_listed: {every: never}}",
                      "policy.yaml:2:31: other_installations.action: needs a look"},
        PolicyMistake{"version: 1\ndecommission: keep",
                      "policy.yaml:2:15: decommission: expected delete or disable"},
        PolicyMistake{"version: 1\nhooks: {after_publish: {}}",
                      "policy.yaml:2:24: hooks.after_publish.run is missing"},
        PolicyMistake{"version: 1\nhooks: {before_disable: {run: []}}",
                      "policy.yaml:2:31: hooks.before_disable.run: is empty"},
        PolicyMistake{"version: 1\nhooks: {after_publish: {run: [restart-it]}}",
                      "policy.yaml:2:31: hooks.after_publish.run[0]: expected an absolute path"},
        PolicyMistake{"version: 1\nhooks: {on_failure: {run: [/bin/true], required: true}}",
                      "policy.yaml:2:40: hooks.on_failure.required: unknown key"},
        PolicyMistake{"version: 1\nother_installations: {action: ignore}",
                      "policy.yaml:2:31: other_installations.action: expected report"},
        PolicyMistake{"version: 1\nrotat: {}", "policy.yaml:2:1: rotat: unknown key"},
        PolicyMistake{"version: 1\nverfy: {}", "policy.yaml:2:1: verfy: unknown key; did you mean verify?"},
        PolicyMistake{"- version", "policy.yaml:1:1: expected keys and values"},
        PolicyMistake{"just text", "policy.yaml:1:1: expected keys and values"},
        PolicyMistake{"", "policy.yaml:1:1: the file is empty"},
        PolicyMistake{"# only a comment\n", "policy.yaml:1:1: the file is empty"}));

INSTANTIATE_TEST_SUITE_P(
    AcrossSettings, BadPolicyYaml,
    testing::Values(
        PolicyMistake{
            "version: 1\nrotate:\n  after: 1d\n",
            "policy.yaml:1:1: superseded.keep_enabled: is not shorter than the time between two rotations"},
        PolicyMistake{"version: 1\nrotate:\n  after: 10d\nsuperseded:\n  keep_enabled: 9d\n",
                      "policy.yaml:5:17: superseded.keep_enabled: is not shorter"},
        PolicyMistake{"version: 1\nrotate:\n  after: never\n  windows: [02:00-05:00]\n",
                      "policy.yaml:4:12: rotate.windows: mean nothing where rotate.after is never"},
        PolicyMistake{"version: 1\nrotate:\n  after: 5d\n  windows: [Mon 02:00-05:00]\n",
                      "policy.yaml:4:12: rotate.windows: are up to 6d21h apart"},
        PolicyMistake{
            "version: 1\nsuperseded:\n  delete_after: 500d\n",
            "policy.yaml:3:17: superseded.delete_after: is so long that this device alone would have up "
            "to 20 keys at once (rotations may come every 27d), and its owner has room for 20, of which "
            "two are kept free: shorten it or rotate less often"},
        PolicyMistake{
            "version: 1\nrotate: {after: 9h, jitter: 0%}\nsuperseded: {keep_enabled: 1h}\n",
            "policy.yaml:3:13: superseded.delete_after: is so long that this device alone would have up "
            "to 20 keys"}));

// The quota is the service's, and what fills it must be the deletion's doing.
TEST(BadFiles, AsksForNoMoreKeysThanTheOwnerMayHave) {
    const auto problems = [](std::size_t limit, const std::string& superseded) {
        const core::Capabilities service{.keys_per_owner = limit};
        const auto loaded =
            load("/c/devkeyd.yaml", service,
                 texts({{"/c/devkeyd.yaml", least + "policy: policy.yaml\n"},
                        {"/c/policy.yaml", "version: 1\nrotate: {after: 10d, jitter: 0%}\nsuperseded: {" +
                                               superseded + "}\n"}}));
        return lines_of(loaded).size();
    };
    // One key in use, one in its grace or disabled for each 10 days begun.
    EXPECT_EQ(problems(20, "keep_enabled: 1d, delete_after: 169d"), 0U);  // 18 keys
    EXPECT_EQ(problems(20, "keep_enabled: 1d, delete_after: 170d"), 1U);  // 19 keys
    EXPECT_EQ(problems(21, "keep_enabled: 1d, delete_after: 170d"), 0U);
    EXPECT_EQ(problems(0, "keep_enabled: 1d, delete_after: 3650d"), 0U) << "no limit known";
    EXPECT_EQ(problems(20, "keep_enabled: 1d, delete_after: 3650d, then: delete"), 0U);
    EXPECT_EQ(problems(2, "keep_enabled: 1d, delete_after: 0s"), 0U);
    EXPECT_EQ(problems(4, "keep_enabled: 1d, delete_after: 10d"), 1U);
}

TEST(BadFiles, AsksForNothingThatTheServiceCantDo) {
    const core::Capabilities simple{.can_disable = false};
    const auto loaded = load("/c/devkeyd.yaml", simple,
                             texts({{"/c/devkeyd.yaml", least + "policy: policy.yaml\n"},
                                    {"/c/policy.yaml",
                                     "version: 1\nother_installations: {action: disable}\n"
                                     "outside_changes: {disabled: enable}\n"}}));
    const auto lines = lines_of(loaded);
    ASSERT_EQ(lines.size(), 3U) << testing::PrintToString(lines);
    EXPECT_EQ(lines[0].rfind("policy.yaml:1:1: superseded.then: this service can't disable a key", 0), 0U);
    EXPECT_EQ(lines[1].rfind("policy.yaml:2:31: other_installations.action: this service can't", 0), 0U);
    EXPECT_EQ(lines[2].rfind("policy.yaml:3:29: outside_changes.disabled: this service can't enable", 0), 0U);
}

}  // namespace
}  // namespace devkey::settings
