// What is said on the control socket: whole, exact, and clear about what is wrong.
#include "control/protocol.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <gtest/gtest.h>

namespace devkey::control {
namespace {

using core::ErrorKind;

std::string fault_of(std::string_view line) {
    const auto parsed = parse_question(line);
    if (parsed) return "";
    EXPECT_EQ(parsed.error().kind, ErrorKind::InvalidInput);
    return parsed.error().message;
}

TEST(Question, IsReadBackAsItWasWritten) {
    for (const auto verb : {Verb::Status, Verb::Reload, Verb::Decommission, Verb::Recommission,
                            Verb::TakeOver, Verb::Resume, Verb::Look})
        EXPECT_EQ(parse_question(format_question({.verb = verb})), (Question{.verb = verb}));
    const Question rotate{
        .verb = Verb::Rotate, .generation = 7, .compromised = true, .why = R"(lost "laptop" \ büro)"};
    EXPECT_EQ(parse_question(format_question(rotate)), rotate);
    for (const auto verb : {Verb::Rollback, Verb::Disable, Verb::Enable, Verb::Acknowledge}) {
        const Question question{.verb = verb, .generation = 7, .why = "w"};
        EXPECT_EQ(parse_question(format_question(question)), question);
    }
    for (const std::uint32_t span : {0U, 60U}) {
        const Question pause{.verb = Verb::Pause, .for_s = span};
        EXPECT_EQ(parse_question(format_question(pause)), pause);
    }
    const Question history{.verb = Verb::History, .most = 7};
    EXPECT_EQ(parse_question(format_question(history)), history);
    EXPECT_EQ(format_question(rotate).find('\n'), std::string::npos);
}

TEST(Question, SaysWhatIsWrong) {
    EXPECT_EQ(fault_of(""), "the line is not whole JSON");
    EXPECT_EQ(fault_of("{"), "the line is not whole JSON");
    EXPECT_EQ(fault_of("[]"), "is not a JSON object");
    EXPECT_EQ(fault_of("{}"), "field 'version' is missing");
    EXPECT_EQ(fault_of(R"({"version":2,"verb":"status"})"),
              "field 'version' is not 1: this devkeyd speaks 1 only");
    EXPECT_EQ(fault_of(R"({"version":1})"), "field 'verb' is missing");
    EXPECT_EQ(fault_of(R"({"version":1,"verb":"dance"})"), "field 'verb' is none that this devkeyd knows");
    EXPECT_EQ(fault_of(R"({"version":1,"verb":"status","why":"x"})"),
              "field 'why' is unknown to this version");
    EXPECT_EQ(fault_of(R"({"version":1,"verb":"status","verb":"reload"})"),
              "field 'verb' stands there twice");
    EXPECT_EQ(fault_of(R"({"version":1,"verb":"rotate"})"), "field 'generation' is missing");
    EXPECT_EQ(fault_of(R"({"version":1,"verb":"rotate","generation":-1})"),
              "field 'generation' is out of range");
    EXPECT_EQ(fault_of(R"({"version":1,"verb":"rotate","generation":1,"compromised":1})"),
              "field 'compromised' is neither true nor false");
    EXPECT_EQ(fault_of(R"({"version":1,"verb":"status","a\nb":1})"),
              "a field of an odd name is unknown to this version");
    EXPECT_EQ(fault_of(R"({"version":1,"x\u001b[2J":1,"x\u001b[2J":2})"),
              "a field of an odd name stands there twice");
    EXPECT_EQ(fault_of(R"({"version":1,"verb":"disable"})"), "field 'generation' is missing");
    EXPECT_EQ(fault_of(R"({"version":1,"verb":"pause","for_s":2592001})"),
              "field 'for_s' is longer than 30d");
    EXPECT_EQ(fault_of(R"({"version":1,"verb":"take-over","why":")" + std::string(201, 'x') + "\"}"),
              "field 'why' is longer than 200 bytes");
    for (const auto* bad : {R"(a\nb)", R"(a\u0085b)",
                            "\xc2\x9b"
                            "2J"})
        EXPECT_EQ(fault_of(R"({"version":1,"verb":"take-over","why":")" + std::string(bad) + "\"}"),
                  "field 'why' holds a line end or another control character: give one line of text");
}

TEST(Question, OfHistoryAsksForAHundredEntriesAtMost) {
    EXPECT_EQ(parse_question(R"({"version":1,"verb":"history"})")->most, 20U);
    EXPECT_NE(fault_of(R"({"version":1,"verb":"history","most":0})"), "");
    EXPECT_NE(fault_of(R"({"version":1,"verb":"history","most":101})"), "");
    EXPECT_EQ(format_history({R"({"a":1})", R"({"b":2})"}),
              R"({"version":1,"answer":"history","entries":[{"a":1},{"b":2}]})");
    EXPECT_EQ(format_history({}), R"({"version":1,"answer":"history","entries":[]})");
    EXPECT_LT(format_history(std::vector(100, std::string(4000, 'x'))).size(), 100'000U);
}

TEST(Question, SurvivesDepthAndRubbish) {
    EXPECT_NE(fault_of(std::string(4000, '[')), "");
    EXPECT_NE(fault_of(R"({"version":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}})"), "");
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    EXPECT_NE(fault_of(all), "");
}

Poco::JSON::Object::Ptr read(const std::string& line) {
    return Poco::JSON::Parser().parse(line).extract<Poco::JSON::Object::Ptr>();
}

TEST(Answer, OfStatusHasWhatIsKnownAndNothingElse) {
    const core::Status bare{.decision = {.reason = core::Reason::NoKeyYet}};
    const auto json = read(format_status(bare, {.version = "1", .pid = 7}));
    EXPECT_EQ(json->getValue<int>("version"), 1);
    EXPECT_EQ(json->getValue<std::string>("answer"), "status");
    EXPECT_EQ(json->getValue<std::string>("health"), "failing");
    EXPECT_EQ(json->getValue<std::string>("reason"), "no-key-yet");
    for (const char* name : {"key", "next_at", "slots", "decommissioned_at", "proof_lasts_s", "detail"})
        EXPECT_FALSE(json->has(name)) << name;
    EXPECT_EQ(json->getArray("superseded")->size(), 0U);
    EXPECT_FALSE(json->getObject("agent")->has("asked"));
}

TEST(Answer, OfStatusTellsTheKeyAndWhatStands) {
    core::Status status;
    status.key = core::KeyStatus{.id = "k1", .name = "devkey-a-b-3-c", .generation = 3};
    status.slots = core::Slots{.taken = 4, .most = 20};
    status.superseded.push_back({.id = "k0", .name = "old", .generation = 2});
    const AgentStatus agent{.version = "1",
                            .pid = 7,
                            .asking = {.request = core::Request::Rotate, .id = "x", .generation = 3},
                            .doing = "create"};
    const auto json = read(format_status(status, agent));
    EXPECT_EQ(json->getObject("key")->getValue<int>("generation"), 3);
    EXPECT_EQ(json->getObject("key")->getValue<std::string>("standing"), "enabled");
    EXPECT_EQ(json->getObject("slots")->getValue<int>("most"), 20);
    EXPECT_TRUE(json->getArray("superseded")->getObject(0)->getValue<bool>("enabled"));
    EXPECT_EQ(json->getObject("agent")->getObject("asked")->getValue<int>("generation"), 3);
    EXPECT_EQ(json->getObject("agent")->getValue<std::string>("doing"), "create");
}

TEST(Question, OfAPlanLooksFourHundredDaysAheadAtMost) {
    const Question question{.verb = Verb::Plan, .until_s = 3600};
    EXPECT_EQ(parse_question(format_question(question)), question);
    EXPECT_TRUE(only_reads(Verb::Plan));
    EXPECT_TRUE(parse_question(R"({"version":1,"verb":"plan","until_s":34560000})"));
    EXPECT_FALSE(parse_question(R"({"version":1,"verb":"plan","until_s":34560001})"));
    EXPECT_FALSE(parse_question(R"({"version":1,"verb":"plan"})"));
}

}  // namespace
}  // namespace devkey::control
