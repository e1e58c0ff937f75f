// The status as Prometheus reads it: whole, exact, and taken by Prometheus' own checker.
#include "control/metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "control/protocol.hpp"
#include "fakes/process.hpp"

namespace devkey::control {
namespace {

using namespace std::chrono_literals;

constexpr core::Instant noon{std::chrono::sys_days{std::chrono::year{2026} / 1 / 2} + 12h};

core::Status rich() {
    core::Status status{.health = core::Health::Degraded, .now = noon, .trust = core::ClockTrust::Server};
    status.decision.reason = core::Reason::ServiceUnavailable;
    status.next_at = noon + 30min;
    status.device = "pump-12";
    status.usable = true;
    status.key = core::KeyStatus{.id = "k3",
                                 .name = "devkey-a-b-3-c",
                                 .generation = 3,
                                 .created_at = noon - 48h,
                                 .published_at = noon - 47h - 1ms,
                                 .proven_at = noon - 6h};
    status.proof_lasts = 12h;
    status.superseded = {{.id = "k2", .name = "n2", .generation = 2}, {.id = "k1", .name = "n1"}};
    status.others = {{.id = "x", .name = "y", .seen_at = noon}};
    const auto failure = [](std::string action, std::string target, std::uint32_t count) {
        return core::NotedFailure{.action = std::move(action),
                                  .target = std::move(target),
                                  .reason = "service-unavailable",
                                  .message = "no route",
                                  .count = count};
    };
    status.failures = {failure("disable-key", "k1", 3), failure("disable-key", "k\"2\\\n", 1),
                       failure("check-login", "", 2)};
    status.slots = core::Slots{.taken = 7, .most = 20};
    return status;
}

std::string text_of(const core::Status& status) {
    return format_metrics(format_status(status, {.version = "1.2.3", .pid = 7})).value_or("none");
}

TEST(Metrics, TellTheWholeStatus) {
    const auto text = text_of(rich());
    for (const auto* line :
         {"devkeyd_build_info{version=\"1.2.3\"} 1",
          "devkeyd_health{state=\"healthy\"} 0",
          "devkeyd_health{state=\"degraded\"} 1",
          "devkeyd_health{state=\"failing\"} 0",
          "devkeyd_health{state=\"out-of-service\"} 0",
          "devkeyd_reason_info{reason=\"service-unavailable\"} 1",
          "devkeyd_next_action_timestamp_seconds 1767357000.000",
          "devkeyd_credential_file_whole 1",
          "devkeyd_proof_lasts_seconds 43200",
          "devkeyd_key_generation 3",
          "devkeyd_key_created_timestamp_seconds 1767182400.000",
          "devkeyd_key_published_timestamp_seconds 1767185999.999",
          "devkeyd_key_proven_timestamp_seconds 1767333600.000",
          "devkeyd_superseded_keys 2",
          "devkeyd_other_installation_keys 1",
          "devkeyd_owner_keys 7",
          "devkeyd_owner_keys_limit 20",
          R"(devkeyd_failures{action="disable-key",reason="service-unavailable",key_id="k1"} 3)",
          R"(devkeyd_failures{action="disable-key",reason="service-unavailable",key_id="k\"2\\\n"} 1)",
          R"(devkeyd_failures{action="check-login",reason="service-unavailable"} 2)",
          "devkeyd_clock_trusted 1"})
        EXPECT_TRUE(("\n" + text).contains("\n" + std::string(line) + "\n")) << line << '\n' << text;
}

TEST(Metrics, HaveHelpAndTypeForEachAndNoSampleTwice) {
    std::istringstream lines{text_of(rich())};
    std::set<std::string> helped;
    std::set<std::string> typed;
    std::set<std::string> sampled;
    for (std::string line; std::getline(lines, line);) {
        static const std::regex form{
            R"((?:# (HELP|TYPE) )?(devkeyd_[a-z_]+)(\{[a-z_]+="[^\n]*"\})? ([0-9.]+|gauge|[A-Z].*\.))"};
        std::smatch found;
        ASSERT_TRUE(std::regex_match(line, found, form)) << line;
        const auto name = found[2].str();
        if (found[1] == "HELP")
            EXPECT_TRUE(helped.insert(name).second) << line;
        else if (found[1] == "TYPE")
            EXPECT_TRUE(helped.contains(name) && typed.insert(name).second) << line;
        else
            EXPECT_TRUE(typed.contains(name) && sampled.insert(name + found[3].str()).second) << line;
    }
    EXPECT_EQ(helped, typed);
}

TEST(Metrics, OfWhatIsNotKnownThereIsNone) {
    core::Status status;
    status.decision.reason = core::Reason::NoKeyYet;
    const auto text = text_of(status);
    for (const auto* name : {"devkeyd_key_", "devkeyd_owner_", "devkeyd_failures", "devkeyd_next_action",
                             "devkeyd_proof", "devkeyd_decommissioned"})
        EXPECT_FALSE(text.contains(name)) << name;
    EXPECT_TRUE(text.contains("\ndevkeyd_health{state=\"failing\"} 1\n"));
    EXPECT_TRUE(text.contains("\ndevkeyd_clock_trusted 0\n"));
    status.slots = core::Slots{.taken = 7, .most = 0};  // no limit
    EXPECT_TRUE(text_of(status).contains("\ndevkeyd_owner_keys 7\n"));
    EXPECT_FALSE(text_of(status).contains("devkeyd_owner_keys_limit"));
}

TEST(Metrics, AreMadeOfAStatusOnly) {
    for (const auto* line : {"", "{", "[]", "{}", R"({"answer":"done"})", R"({"answer":"status"})"})
        EXPECT_EQ(format_metrics(line).error().kind, core::ErrorKind::Corrupt) << line;
}

/// Empty: none is there. tools/test brings one.
std::string promtool() {
    const char* given = std::getenv("DEVKEY_PROMTOOL");
    if (given != nullptr && *given != '\0') return given;
    const bool found = std::system("command -v promtool >/dev/null") == 0;
    return found ? "promtool" : "";
}

TEST(Metrics, AreTakenByPromtool) {
    const auto tool = promtool();
    if (tool.empty())
        GTEST_SKIP() << "NOT CHECKED: promtool is missing; tools/test unpacks it (tools/unpack)";
    core::Status bare;
    core::Status gone = rich();
    gone.key.reset();
    gone.decommissioned_at = noon;
    const fakes::TemporaryDirectory directory;
    const auto check = [&](const std::string& text) {
        fakes::Process process(
            {"sh", "-c", R"("$1" check metrics <"$2")", "sh", tool, directory.write("text", text)},
            directory.file("told"));
        const int code = process.wait();
        return std::to_string(code) + process.output() + process.errors();
    };
    EXPECT_EQ(check(text_of(rich())), "0");
    EXPECT_EQ(check(text_of(bare)), "0");
    EXPECT_EQ(check(text_of(gone)), "0");
    EXPECT_NE(check(text_of(bare) + "devkeyd_wrong_total{ 1\n"), "0") << "promtool takes anything";
}

}  // namespace
}  // namespace devkey::control
