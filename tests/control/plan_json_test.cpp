// The plan as it is answered.
#include "control/plan_json.hpp"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <gtest/gtest.h>

namespace devkey::control {
namespace {

using core::Action;
using core::Forecast;
using core::Instant;
using core::Reason;
using Poco::JSON::Object;
using namespace std::chrono_literals;

Object::Ptr parse(const std::string& line) {
    return Poco::JSON::Parser().parse(line).extract<Object::Ptr>();
}

TEST(PlanJson, HasEachStepWithItsReason) {
    const auto json = parse(format_plan({.from = Instant{1h},
                                         .until = Instant{48h},
                                         .steps = {{.at = Instant{2h},
                                                    .action = Action::CheckLogin,
                                                    .reason = Reason::LoginCheckDue,
                                                    .detail = "a \"key\"",
                                                    .rule = "key-logs-in",
                                                    .times = 3,
                                                    .last_at = Instant{14h}}},
                                         .next_at = Instant{50h}}));
    EXPECT_EQ(json->getValue<int>("version"), 1);
    EXPECT_EQ(json->getValue<std::string>("answer"), "plan");
    EXPECT_EQ(json->getValue<std::string>("from"), "1970-01-01T01:00:00.000Z");
    EXPECT_EQ(json->getValue<std::string>("until"), "1970-01-03T00:00:00.000Z");
    EXPECT_TRUE(json->getValue<bool>("whole"));
    EXPECT_TRUE(json->has("assumes"));
    const auto step = json->getArray("steps")->getObject(0);
    EXPECT_EQ(step->getValue<std::string>("at"), "1970-01-01T02:00:00.000Z");
    EXPECT_EQ(step->getValue<std::string>("action"), "check-login");
    EXPECT_EQ(step->getValue<std::string>("reason"), "login-check-due");
    EXPECT_TRUE(step->has("sentence"));
    EXPECT_EQ(step->getValue<std::string>("detail"), "a \"key\"");
    EXPECT_EQ(step->getValue<std::string>("rule"), "key-logs-in");
    EXPECT_EQ(step->getValue<int>("times"), 3);
    EXPECT_EQ(step->getValue<std::string>("last_at"), "1970-01-01T14:00:00.000Z");
    EXPECT_EQ(json->getObject("then")->getValue<std::string>("reason"), "healthy");
    EXPECT_EQ(json->getObject("then")->getValue<std::string>("next_at"), "1970-01-03T02:00:00.000Z");
}

TEST(PlanJson, OneThatIsTooLongSaysSo) {
    Forecast forecast{.until = Instant{5000h}};
    for (int at = 0; at < 500; ++at)
        forecast.steps.push_back({.at = Instant{at * 1h}, .detail = std::string(1000, 'x')});
    const auto line = format_plan(forecast);
    EXPECT_LT(line.size(), 100'000U);
    const auto json = parse(line);
    EXPECT_FALSE(json->getValue<bool>("whole"));
    const auto told = json->getArray("steps")->size();
    EXPECT_GT(told, 50U);
    EXPECT_LT(told, 100U);
    EXPECT_EQ(json->getValue<std::string>("until"), core::format_instant(Instant{told * 1h}));
}

}  // namespace
}  // namespace devkey::control
