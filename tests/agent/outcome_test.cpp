#include "outcome.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <utility>

namespace devkey {
namespace {

using core::ErrorKind;
using core::Reason;
using namespace std::chrono_literals;

TEST(ExitCode, TellsWhatARunEndedWith) {
    constexpr std::array table{
        std::pair{Reason::Healthy, 0},
        std::pair{Reason::ServiceUnavailable, 75},
        std::pair{Reason::AnswerLost, 75},
        std::pair{Reason::RateLimited, 75},
        std::pair{Reason::NewKeyNotAcceptedYet, 75},
        std::pair{Reason::NewKeyRefused, 75},
        std::pair{Reason::LateLandingPossible, 75},
        std::pair{Reason::DisableUnsettled, 75},
        std::pair{Reason::QuotaFull, 75},
        std::pair{Reason::StrayNotListed, 75},
        std::pair{Reason::OwnerRefused, 77},
        std::pair{Reason::ServiceForbids, 77},
        std::pair{Reason::ProviderOff, 77},
        std::pair{Reason::NotPermitted, 77},
        std::pair{Reason::RequestRefused, 78},
        std::pair{Reason::KeyDisabledOutside, 77},
        std::pair{Reason::KeyDeletedOutside, 77},
        std::pair{Reason::OwnerSecretDelayed, 75},
        std::pair{Reason::OwnerSecretUnusable, 78},
        std::pair{Reason::CredentialFileMissing, 78},
        std::pair{Reason::IdentityChanged, 78},
        std::pair{Reason::CloneSuspected, 78},
        std::pair{Reason::StateUnreadable, 65},
        std::pair{Reason::DiskRefuses, 74},
        std::pair{Reason::ConnectionInsecure, 76},
        std::pair{Reason::NewKeysKeepFailing, 69},
        std::pair{Reason::NoKeyYet, 70},
        std::pair{Reason::GraceOver, 70},
    };
    for (const auto& [reason, code] : table) EXPECT_EQ(exit_code_of(reason), code) << core::name_of(reason);
}

TEST(ExitCode, TellsWhyARunCouldNotBegin) {
    constexpr std::array table{
        std::pair{ErrorKind::InvalidInput, 78},   std::pair{ErrorKind::NotFound, 78},
        std::pair{ErrorKind::SecretUnusable, 78}, std::pair{ErrorKind::Insecure, 77},
        std::pair{ErrorKind::Forbidden, 77},      std::pair{ErrorKind::Unavailable, 75},
        std::pair{ErrorKind::Corrupt, 65},        std::pair{ErrorKind::Io, 74},
        std::pair{ErrorKind::Conflict, 70},       std::pair{ErrorKind::SecretForbidden, 77},
        std::pair{ErrorKind::SecretDelayed, 75},
    };
    for (const auto& [kind, code] : table) EXPECT_EQ(exit_code_of(kind), code) << core::name_of(kind);
}

Outcome provisioned() {
    return {.reason = "healthy",
            .changed = true,
            .key_id = "id",
            .key_name = "devkey-a-b-1-c",
            .generation = 1,
            .credential_file = "/c.json"};
}

TEST(Outcome, IsALine) {
    EXPECT_EQ(as_text(provisioned()),
              "provisioned: key devkey-a-b-1-c (generation 1) in /c.json; changed: yes");
    EXPECT_EQ(as_text({.exit_code = 77, .reason = "owner-refused", .detail = "401"}),
              "not provisioned: owner-refused: 401; changed: no");
    EXPECT_EQ(as_text({.exit_code = 77, .reason = "owner-refused"}),
              "not provisioned: owner-refused; changed: no");
}

TEST(Outcome, IsAJsonObject) {
    EXPECT_EQ(
        as_json(provisioned()),
        R"({"version":1,"result":"provisioned","reason":"healthy","detail":"","changed":true,"key_id":"id",)"
        R"("key_name":"devkey-a-b-1-c","generation":1,"credential_file":"/c.json"})");
    EXPECT_EQ(as_json({.exit_code = 75, .reason = "r", .detail = "a\"b\\c\nd\x7f"}),
              R"({"version":1,"result":"not-provisioned","reason":"r","detail":"a\"b\\c\u000ad\u007f",)"
              R"("changed":false,"key_id":"","key_name":"","generation":0,"credential_file":""})");
}

TEST(Waiting, IsWorthAMinuteAndOnlyWhereItIsPartOfTheJob) {
    const core::BootInstant now{1000s};
    for (const Reason reason :
         {Reason::NewKeyNotAcceptedYet, Reason::StrayNotListed, Reason::LateLandingPossible}) {
        EXPECT_TRUE(is_worth_waiting({.reason = reason, .again = now + 60s}, now));
        EXPECT_FALSE(is_worth_waiting({.reason = reason, .again = now + 61s}, now));
        EXPECT_FALSE(is_worth_waiting({.reason = reason}, now));
    }
    for (const Reason reason : {Reason::ServiceUnavailable, Reason::RateLimited, Reason::Healthy})
        EXPECT_FALSE(is_worth_waiting({.reason = reason, .again = now + 1s}, now));
}

// ---- what a devkeyd that runs did

core::State in_service() {
    core::State state;
    state.installation = "abc234";
    state.current.emplace();
    state.current->key = {
        .id = "id1", .name = "one", .generation = 1, .secret = core::Secret{"s"}, .created_at = {}};
    return state;
}

core::OldKey left_key() {
    return {.id = "id1", .name = "one", .generation = 1, .superseded_at = {}, .disabled_at = {}};
}

core::State out_of_service() {
    core::State state;
    state.installation = "abc234";
    state.decommissioned_at = core::Instant{};
    return state;
}

Outcome answer(core::Request request, const std::optional<core::State>& before,
               const std::optional<core::State>& after) {
    return answer_by_state(request, core::Policy{}, before, after);
}

TEST(AnswerByState, OfADecommissionIsDoneWhenNothingIsLeft) {
    const auto done = answer(core::Request::Decommission, in_service(), out_of_service());
    EXPECT_EQ(done.exit_code, 0);
    EXPECT_EQ(done.reason, "decommissioned");
    EXPECT_TRUE(done.changed);
    EXPECT_FALSE(answer(core::Request::Decommission, out_of_service(), out_of_service()).changed);
    EXPECT_TRUE(answer(core::Request::Decommission, std::nullopt, out_of_service()).changed);

    auto left = out_of_service();
    left.superseded.push_back(left_key());
    const auto half = answer(core::Request::Decommission, in_service(), left);
    EXPECT_EQ(half.exit_code, exit_later);
    EXPECT_TRUE(half.detail.contains("left: one")) << half.detail;
    core::Policy disables;
    disables.decommission = core::Policy::Decommission::Disable;
    left.superseded[0].disabled_at = core::Instant{};
    EXPECT_EQ(answer_by_state(core::Request::Decommission, disables, in_service(), left).exit_code, 0);
}

TEST(AnswerByState, IsNotDoneWhereSomebodyElseHasUndoneIt) {
    for (const auto& after : {std::optional<core::State>{}, std::optional(in_service())}) {
        const auto undone = answer(core::Request::Decommission, in_service(), after);
        EXPECT_EQ(undone.exit_code, exit_later);
        EXPECT_EQ(undone.reason, "replaced");
    }
    EXPECT_EQ(answer(core::Request::Recommission, out_of_service(), out_of_service()).reason, "replaced");
}

TEST(AnswerByState, OfARecommissionIsDoneWithoutATombstone) {
    core::State back;
    back.installation = "abc234";
    const auto done = answer(core::Request::Recommission, out_of_service(), back);
    EXPECT_EQ(done.exit_code, 0);
    EXPECT_EQ(done.reason, "done");
    EXPECT_TRUE(done.changed);
    EXPECT_FALSE(answer(core::Request::Recommission, in_service(), in_service()).changed);
    EXPECT_EQ(answer(core::Request::Recommission, std::nullopt, std::nullopt).exit_code, 0);
}

TEST(AnswerByState, OfATakeOverIsDoneWhereNoOtherInstallationIsRecorded) {
    auto before = in_service();
    before.others.push_back({.id = "x", .name = "other", .seen_at = {}});
    const auto done = answer(core::Request::TakeOver, before, in_service());
    EXPECT_EQ(done.exit_code, 0);
    EXPECT_EQ(done.reason, "done");
    EXPECT_TRUE(done.changed);
    EXPECT_FALSE(answer(core::Request::TakeOver, in_service(), in_service()).changed);
    EXPECT_EQ(answer(core::Request::TakeOver, before, before).reason, "replaced");
    auto found_on_the_way = in_service();
    found_on_the_way.retired.emplace_back("other");
    EXPECT_TRUE(answer(core::Request::TakeOver, in_service(), found_on_the_way).changed);
}

TEST(AnswerByState, OfATakeOverOfADecommissionedDeviceIsThatAndTheRemedy) {
    const auto refused = answer(core::Request::TakeOver, out_of_service(), out_of_service());
    EXPECT_EQ(refused.exit_code, exit_gives_up);
    EXPECT_EQ(refused.reason, "decommissioned");
    EXPECT_TRUE(refused.detail.contains("--recommission")) << refused.detail;
    EXPECT_FALSE(refused.changed);
}

TEST(AnswerByState, ChangesOfTimesAreNoChange) {
    auto looked = in_service();
    looked.last_seen = looked.last_seen + std::chrono::hours{1};
    looked.current->listed_at = looked.last_seen;
    EXPECT_FALSE(answer(core::Request::TakeOver, in_service(), looked).changed);
}

TEST(AnswerByState, OfAReplacedRequestNamesTheOther) {
    const auto replaced = replaced_by(core::Request::TakeOver);
    EXPECT_EQ(replaced.exit_code, exit_later);
    EXPECT_EQ(replaced.reason, "replaced");
    EXPECT_TRUE(replaced.detail.contains("--take-over")) << replaced.detail;
}

}  // namespace
}  // namespace devkey
