// What the credential socket hands out: never but what is published, and works.
#include "storage/published.hpp"

#include <gtest/gtest.h>

#include "fakes/temporary_directory.hpp"
#include "storage/credential_file.hpp"
#include "storage/state_file.hpp"

namespace devkey::storage {
namespace {

using core::ErrorKind;

core::Key key_of(std::uint32_t generation) {
    return {.id = "id" + std::to_string(generation),
            .name = "devkey-dev-abc234-" + std::to_string(generation) + "-wxyz",
            .generation = generation,
            .secret = core::Secret{"s3cret-" + std::to_string(generation)},
            .created_at = core::Instant{core::Millis{1767323045678}}};
}

core::OldKey old(const core::Key& key) {
    return {.id = key.id,
            .name = key.name,
            .generation = key.generation,
            .created_at = key.created_at,
            .secret = key.secret};
}

class Silent : public ports::Reporter {
 public:
    void report(const ports::Event&) noexcept override {}
};

struct Handed : testing::Test {
    Handed() {
        state.identity = {"https://keys.example", "app-1", "local-userpass:a@b", "dev"};
        state.owner_id = "owner";
        state.installation = "abc234";
        state.last_generation = 2;
        state.current = core::CurrentKey{.key = key_of(1), .published_at = core::Instant{core::Millis{5}}};
    }
    void publish(const core::Key& key) {
        ASSERT_TRUE(CredentialFile::make(settings, calls)->publish({.identity = state.identity, .key = key}));
    }
    core::Result<Published> look() {
        EXPECT_TRUE(StateFile(directory.path, silent, calls).save(state));
        return look_at_published(directory.path, settings);
    }
    ErrorKind fault() {
        const auto found = look();
        return found ? ErrorKind::OutcomeUnknown : found.error().kind;
    }

    fakes::TemporaryDirectory directory;
    core::CredentialFileSettings settings{.path = directory.file("credential.json"), .group = {}};
    core::State state;
    FileCalls calls;
    Silent silent;
};

TEST_F(Handed, IsTheFileAsAProgramReadsIt) {
    for (const auto format :
         {core::CredentialFormat::Json, core::CredentialFormat::Env, core::CredentialFormat::Raw}) {
        settings.format = format;
        publish(key_of(1));
        const auto found = look();
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_EQ(found->content.reveal(), fakes::content_of(settings.path));
        EXPECT_EQ(found->key_id, "id1");
        EXPECT_EQ(found->generation, 1U);
    }
}

TEST_F(Handed, IsTheOldKeyOrTheNewOneWhileOneReplacesTheOther) {
    publish(key_of(1));
    state.superseded = {old(key_of(1))};
    state.current = core::CurrentKey{.key = key_of(2), .published_at = std::nullopt};
    EXPECT_EQ(look()->key_id, "id1");
    publish(key_of(2));
    EXPECT_EQ(look()->key_id, "id2");
    EXPECT_EQ(look()->content.reveal(), fakes::content_of(settings.path));
}

TEST_F(Handed, IsNoOldKeyOnceAnotherIsPublished) {
    publish(key_of(1));
    state.superseded = {old(key_of(1))};
    state.current = core::CurrentKey{.key = key_of(2), .published_at = core::Instant{core::Millis{6}}};
    EXPECT_EQ(fault(), ErrorKind::Corrupt);
}

TEST_F(Handed, IsNoOldKeyThatLeakedOrIsDisabled) {
    publish(key_of(1));
    state.superseded = {old(key_of(1))};
    state.superseded.back().disabled_at = core::Instant{core::Millis{6}};
    state.current = core::CurrentKey{.key = key_of(2), .published_at = std::nullopt};
    EXPECT_EQ(fault(), ErrorKind::Corrupt);
    state.superseded.back() = old(key_of(1));
    state.superseded.back().secret = {};
    EXPECT_EQ(fault(), ErrorKind::Corrupt);
}

TEST_F(Handed, IsNoKeyThatIsOff) {
    publish(key_of(1));
    for (const auto standing : {core::Standing::DisabledOutside, core::Standing::DeletedOutside,
                                core::Standing::SwitchingOff, core::Standing::SwitchedOff}) {
        state.current->standing = standing;
        EXPECT_EQ(fault(), ErrorKind::NotFound) << core::is_switched_off(standing);
    }
}

TEST_F(Handed, IsNothingWhereNothingIs) {
    EXPECT_EQ(fault(), ErrorKind::NotFound);
    publish(key_of(1));
    state.current.reset();
    EXPECT_EQ(fault(), ErrorKind::NotFound);
    ASSERT_TRUE(remove_file(calls, directory.file("state.json")));
    EXPECT_EQ(look_at_published(directory.path, settings).error().kind, ErrorKind::NotFound);
}

TEST_F(Handed, IsNothingThatSomebodyElseWrote) {
    for (const auto* text : {"", "s3cret-1", "{}", "\n"}) {
        fakes::put(settings.path, text);
        EXPECT_EQ(fault(), ErrorKind::Corrupt) << text;
    }
    publish(key_of(1));
    fakes::put(directory.file("state.json"), "damaged");
    EXPECT_EQ(look_at_published(directory.path, settings).error().kind, ErrorKind::Corrupt);
}

}  // namespace
}  // namespace devkey::storage
