// tools/simulate --policy, the real program: its flags, its exit codes, and what it tells.
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <gtest/gtest.h>

#include <fstream>

#include "fakes/process.hpp"

namespace devkey::sim {
namespace {

struct Ran {
    int code = -1;
    std::string output;
    std::string errors;
};

class SimulateTool : public testing::Test {
 protected:
    Ran run(std::vector<std::string> words) {
        words.insert(words.begin(), DEVKEY_SIMULATE);
        fakes::Process process{std::move(words), directory.file("ran")};
        const int code = process.wait();
        return {code, process.output(), process.errors()};
    }
    std::string write_policy(const std::string& text) {
        const auto path = directory.file("policy.yaml");
        std::ofstream{path} << text;
        return path;
    }

    fakes::TemporaryDirectory directory;
};

TEST_F(SimulateTool, TellsPeopleWhatThePolicyDoes) {
    const auto ran =
        run({"--policy", DEVKEY_SHIPPED_POLICY, "--devices", "4", "--per-owner", "2", "--for", "70d"});
    EXPECT_EQ(ran.code, 0) << ran.errors;
    EXPECT_EQ(ran.output.rfind("4 devices, 2 of each owner, for 70d\n", 0), 0U) << ran.output;
    for (const char* what : {"requests per hour", "after the power cut", "shortest period 2", "longest wait",
                             "4 devices: healthy"})
        EXPECT_NE(ran.output.find(what), std::string::npos) << what << " in " << ran.output;
}

TEST_F(SimulateTool, SaysThatAHeartbeatHasNoPartInIt) {
    const auto path =
        write_policy("version: 1\nwatchdog: {heartbeat: {file: /run/alive, stale_after: 72h}}\n");
    const auto ran = run({"--policy", path, "--devices", "1", "--for", "5d"});
    EXPECT_EQ(ran.code, 0) << ran.errors;
    EXPECT_NE(ran.output.find("watchdog.heartbeat      has no part in this"), std::string::npos)
        << ran.output;
    EXPECT_EQ(
        run({"--policy", DEVKEY_SHIPPED_POLICY, "--devices", "1", "--for", "5d"}).output.find("heartbeat"),
        std::string::npos);
}

TEST_F(SimulateTool, TellsProgramsTheSame) {
    const auto ran = run({"--policy", DEVKEY_SHIPPED_POLICY, "--devices", "4", "--per-owner", "2", "--for",
                          "70d", "--power-cut", "40d", "--power-cut-lasts", "10m", "--json"});
    ASSERT_EQ(ran.code, 0) << ran.errors;
    const auto told = Poco::JSON::Parser{}.parse(ran.output).extract<Poco::JSON::Object::Ptr>();
    EXPECT_EQ(told->getValue<int>("version"), 1);
    EXPECT_EQ(told->getValue<int>("devices"), 4);
    EXPECT_EQ(told->getValue<int>("per_owner"), 2);
    EXPECT_EQ(told->getValue<int>("lasts_s"), 70 * 86400);
    EXPECT_GT(told->getValue<int>("requests"), 4 * 70 * 16);
    const auto hours = told->getObject("requests_per_hour");
    EXPECT_EQ(hours->getValue<int>("from_s"), 30 * 86400 + 3600);
    EXPECT_GE(hours->getValue<double>("peak"), hours->getValue<double>("mean"));
    EXPECT_GT(hours->getValue<double>("peak_to_mean"), 1.0);
    EXPECT_GT(hours->getValue<int>("hours"), 900);
    const auto cut = told->getObject("power_cut");
    EXPECT_EQ(cut->getValue<int>("at_s"), 40 * 86400);
    EXPECT_EQ(cut->getValue<int>("lasts_s"), 600);
    EXPECT_TRUE(cut->has("busiest_minute") && cut->has("mean_minute") && cut->has("peak_to_mean"));
    EXPECT_EQ(told->getValue<int>("rotations"), 8);
    EXPECT_EQ(told->getValue<int>("keys_made"), 12);
    EXPECT_GE(told->getValue<int>("shortest_period_s"), 27 * 86400 - 1);
    EXPECT_LE(told->getValue<int>("longest_period_s"), 30 * 86400);
    EXPECT_EQ(told->getValue<int>("greatest_age_s"), told->getValue<int>("longest_period_s"));
    EXPECT_LE(told->getValue<int>("most_keys_per_owner"), 4);
    EXPECT_LE(told->getValue<int>("longest_wait_s"), 1);
    EXPECT_EQ(told->getValue<int>("waiting_devices"), 0);
    EXPECT_EQ(told->getObject("in_the_end")->getValue<int>("healthy"), 4);
}

TEST_F(SimulateTool, SaysNullWhereThereIsNothingToSay) {
    const auto ran = run({"--policy", DEVKEY_SHIPPED_POLICY, "--devices", "1", "--for", "2h", "--json"});
    ASSERT_EQ(ran.code, 0) << ran.errors;
    const auto told = Poco::JSON::Parser{}.parse(ran.output).extract<Poco::JSON::Object::Ptr>();
    for (const char* what : {"requests_per_hour", "power_cut", "shortest_period_s", "longest_period_s"})
        EXPECT_TRUE(told->isNull(what)) << what;
}

TEST_F(SimulateTool, RefusesABadPolicyWithItsPlace) {
    const auto path = write_policy("version: 1\nverify: {patience: 0s}\n");
    const auto ran = run({"--policy", path, "--devices", "1", "--for", "1d"});
    EXPECT_EQ(ran.code, 78);
    EXPECT_EQ(ran.errors.rfind(path + ":2:20: verify.patience: out of range: 1s to 10m", 0), 0U)
        << ran.errors;
    const auto missing = run({"--policy", path + ".none"});
    EXPECT_EQ(missing.code, 78);
    EXPECT_EQ(missing.errors.rfind(path + ".none: can't open it", 0), 0U) << missing.errors;
}

TEST_F(SimulateTool, RefusesFlagsThatItCannotUse) {
    const std::vector<std::vector<std::string>> wrong{
        {"--devices", "5"},
        {"--policy", DEVKEY_SHIPPED_POLICY, "--seeds", "5"},
        {"--policy", DEVKEY_SHIPPED_POLICY, "--devices", "0"},
        {"--policy", DEVKEY_SHIPPED_POLICY, "--per-owner", "0"},
        {"--policy", DEVKEY_SHIPPED_POLICY, "--for", "soon"},
        {"--policy", DEVKEY_SHIPPED_POLICY, "--for", "1m"},
        {"--policy", DEVKEY_SHIPPED_POLICY, "--for", "1d", "--power-cut", "23h"},
        {"--policy", DEVKEY_SHIPPED_POLICY, "--for", "1d", "--start-within", "2d"},
    };
    for (const auto& words : wrong) {
        const auto ran = run(words);
        EXPECT_EQ(ran.code, 64) << testing::PrintToString(words);
        EXPECT_FALSE(ran.errors.empty()) << testing::PrintToString(words);
        EXPECT_TRUE(ran.output.empty()) << ran.output;
    }
}

}  // namespace
}  // namespace devkey::sim
