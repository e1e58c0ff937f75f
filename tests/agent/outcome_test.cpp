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

}  // namespace
}  // namespace devkey
