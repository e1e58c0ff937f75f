#include "storage/state_file.hpp"

#include <gtest/gtest.h>

#include "storage/as_nobody.hpp"
#include "storage/atomic_file.hpp"
#include "storage/faulty_calls.hpp"
#include "storage/state_text.hpp"
#include "storage/temporary_folder.hpp"

namespace devkey::storage {
namespace {

using namespace std::chrono_literals;
using core::CurrentKey;
using core::ErrorKind;
using core::Instant;
using core::Intent;
using core::Key;
using core::PendingKey;
using core::Secret;
using core::State;

Key key(std::uint32_t generation) {
    return {.id = "65a1b2c3d4e5f60718293a4b",
            .name = "devkey-site7-abcde-" + std::to_string(generation) + "-fghij",
            .generation = generation,
            .secret = Secret{"S3cret\"\\/\n\t\x01 end"},
            .created_at = Instant{1767323045678ms}};
}

Intent intent(Intent::Stage stage) {
    return {"devkey-site7-abcde-3-klmno", 3, stage, "stray", Instant{1ms}};
}

State bare_state() {
    State state;
    state.identity = {"https://keys.example.com", "devices", "local-userpass:söte@example.com", "dev \"7\""};
    return state;
}

State full_state() {
    State state = bare_state();
    state.owner_id = "owner-1";
    state.installation = "abcde";
    state.machine = "hash";
    state.last_generation = 4294967295;
    state.refused_keys = 2;
    state.intent = intent(Intent::Stage::Found);
    state.pending = PendingKey{key(2), PendingKey::Stage::Verified};
    state.current = CurrentKey{key(1), Instant{1767323099001ms}};
    return state;
}

std::vector<State> every_shape() {
    std::vector<State> states{bare_state(), full_state()};
    for (const auto stage :
         {Intent::Stage::Unsent, Intent::Stage::Sent, Intent::Stage::Landed, Intent::Stage::Found}) {
        states.push_back(full_state());
        states.back().intent = intent(stage);
    }
    for (const auto stage :
         {PendingKey::Stage::Received, PendingKey::Stage::Verified, PendingKey::Stage::Refused}) {
        states.push_back(full_state());
        states.back().pending = PendingKey{key(2), stage};
    }
    states.push_back(full_state());
    states.back().current = CurrentKey{key(1), std::nullopt};
    for (auto part : {0, 1, 2}) {
        states.push_back(full_state());
        if (part == 0) states.back().intent = std::nullopt;
        if (part == 1) states.back().pending = std::nullopt;
        if (part == 2) states.back().current = std::nullopt;
    }
    return states;
}

/// What must be there.
State loaded(StateFile& file) {
    const auto answer = file.load();
    EXPECT_TRUE(answer) << answer.error().message;
    if (answer && *answer) return answer->value_or(State{});
    ADD_FAILURE() << "no state";
    return {};
}

class RecordingReporter : public ports::Reporter {
 public:
    void report(const ports::Event& event) noexcept override { names.emplace_back(event.name); }
    std::vector<std::string> names;
};

class StateFileTest : public testing::Test {
 protected:
    /// What load says of a file with this content.
    core::Error error_for(const std::string& content) {
        put(path, content);
        const auto loaded = file.load();
        EXPECT_FALSE(loaded) << content;
        return loaded ? core::Error{} : loaded.error();
    }

    TemporaryFolder folder;
    const std::string path = folder / "state.json";
    FileCalls real;
    RecordingReporter reporter;
    StateFile file{folder.path(), real, &reporter};
};

TEST_F(StateFileTest, NoneIsNotAnError) {
    const auto loaded = file.load();
    ASSERT_TRUE(loaded);
    EXPECT_FALSE(loaded->has_value());
}

TEST_F(StateFileTest, EveryShapeOfStateReadsBackTheSame) {
    for (const State& state : every_shape()) {
        const auto saved = file.save(state);
        ASSERT_TRUE(saved) << saved.error().message;
        EXPECT_EQ(mode_of(path), 0600U);
        StateFile another{folder.path(), real};
        EXPECT_EQ(loaded(another), state);
    }
    EXPECT_EQ(folder.names(), std::set<std::string>{"state.json"});
    EXPECT_TRUE(reporter.names.empty());
}

TEST_F(StateFileTest, TheFormOnDiskIsVersion1) {
    State state = bare_state();
    state.identity = {"https://k", "app", "local-userpass:me", "dev"};
    Key plain = key(1);
    plain.secret = Secret{"value"};
    state.current = CurrentKey{plain, std::nullopt};
    const auto text = format_state(state);
    ASSERT_TRUE(text);
    EXPECT_EQ(text->reveal(), R"({
  "version" : 1,
  "identity" : {
    "service" : "https://k",
    "app" : "app",
    "owner" : "local-userpass:me",
    "device" : "dev"
  },
  "owner_id" : "",
  "installation" : "",
  "machine" : "",
  "last_generation" : 0,
  "refused_keys" : 0,
  "current" : {
    "key" : {
      "id" : "65a1b2c3d4e5f60718293a4b",
      "name" : "devkey-site7-abcde-1-fghij",
      "generation" : 1,
      "secret" : "value",
      "created_at" : "2026-01-02T03:04:05.678Z"
    }
  }
}
)");
}

TEST_F(StateFileTest, WhatIsTornIsCorruptWhereverItEnds) {
    ASSERT_TRUE(file.save(full_state()));
    const auto whole = content_of(path);
    for (std::size_t size = 0; size + 2 < whole.size(); ++size) {
        const auto error = error_for(whole.substr(0, size));
        ASSERT_EQ(error.kind, ErrorKind::Corrupt) << size;
        ASSERT_EQ(error.message.find("S3cret"), std::string::npos) << error.message;
    }
}

TEST_F(StateFileTest, GarbageIsCorrupt) {
    for (const auto& text : {std::string{"null"}, std::string{"[]"}, std::string{"1"}, std::string{"{}"},
                             std::string{"{} {}"}, std::string("\0\0\0\0", 4), std::string(4096, '\0'),
                             std::string(100'000, '['), std::string{"\xff\xfe"}, std::string{"\"text\""}}) {
        const auto error = error_for(text);
        EXPECT_EQ(error.kind, ErrorKind::Corrupt) << text.substr(0, 20);
        EXPECT_EQ(error.message.rfind(path + ": ", 0), 0U) << error.message;
        EXPECT_NE(error.message.find("move it away to start as a new installation"), std::string::npos);
    }
}

TEST_F(StateFileTest, TextAfterTheStateIsCorrupt) {
    ASSERT_TRUE(file.save(full_state()));
    const auto whole = content_of(path);
    for (const std::string rest : {"{}", "x", "}", whole.c_str()})
        EXPECT_EQ(error_for(whole + rest).kind, ErrorKind::Corrupt) << rest;
}

TEST_F(StateFileTest, ATooLargeFileIsCorrupt) {
    EXPECT_EQ(error_for(std::string(largest_state + 1, ' ')).kind, ErrorKind::Corrupt);
}

struct Change {
    const char* from;
    const char* to;
    const char* field;  ///< what the message must name
};

class ChangedField : public StateFileTest, public testing::WithParamInterface<Change> {};

TEST_P(ChangedField, IsCorruptAndNamed) {
    State state = full_state();
    state.last_generation = 7;
    ASSERT_TRUE(file.save(state));
    auto text = content_of(path);
    const auto at = text.find(GetParam().from);
    ASSERT_NE(at, std::string::npos) << GetParam().from;
    text.replace(at, std::string_view{GetParam().from}.size(), GetParam().to);
    const auto error = error_for(text);
    EXPECT_EQ(error.kind, ErrorKind::Corrupt);
    EXPECT_NE(error.message.find(GetParam().field), std::string::npos) << error.message;
}

INSTANTIATE_TEST_SUITE_P(
    Table, ChangedField,
    testing::Values(
        Change{"\"version\" : 1", "\"version\" : 2", "version 2"},
        Change{"\"version\" : 1,", "", "'version' is missing"},
        Change{"\"version\" : 1", "\"version\" : \"1\"", "'version'"},
        Change{"\"version\" : 1", "\"version\" : true", "'version'"},
        Change{"\"version\" : 1", "\"version\" : 1, \"extra\" : 0", "'extra' is unknown"},
        Change{"\"version\" : 1", "\"version\" : 1, \"version\" : 1", "'version' stands there twice"},
        Change{"\"service\"", "\"server\"", "'identity.service' is missing"},
        Change{"\"device\"", "\"more\" : 1, \"device\"", "'identity.more' is unknown"},
        Change{"\"owner_id\" : \"owner-1\"", "\"owner_id\" : null", "'owner_id' is not a text"},
        Change{"\"owner_id\" : \"owner-1\"", "\"owner_id\" : 5", "'owner_id' is not a text"},
        Change{"\"last_generation\" : 7", "\"last_generation\" : -1", "'last_generation' is out of"},
        Change{"\"last_generation\" : 7", "\"last_generation\" : 4294967296", "'last_generation'"},
        Change{"\"last_generation\" : 7", "\"last_generation\" : 1e99", "'last_generation'"},
        Change{"\"last_generation\" : 7", "\"last_generation\" : 99999999999999999999999999", "JSON"},
        Change{"\"last_generation\" : 7", "\"last_generation\" : 7.5", "'last_generation'"},
        Change{"\"stage\" : \"found\"", "\"stage\" : \"lost\"", "'intent.stage'"},
        Change{"\"stage\" : \"verified\"", "\"stage\" : \"\"", "'pending.stage'"},
        Change{"1970-01-01T00:00:00.001Z", "yesterday", "'intent.sent_at' is not a time"},
        Change{"2026-01-02T03:04:05.678Z", "2026-02-31T00:00:00Z", "'pending.key.created_at'"},
        Change{"65a1b2c3d4e5f60718293a4b", "", "'pending.key.id' is empty"},
        Change{"\"intent\" : {", "\"intent\" : [], \"old\" : {", "'intent' is not an object"},
        Change{"\"current\" : {", "\"currant\" : {", "'currant' is unknown"}));

TEST_F(StateFileTest, WhatCouldNotBeReadBackIsNotSaved) {
    ASSERT_TRUE(file.save(full_state()));
    State before_1970 = full_state();
    before_1970.current = CurrentKey{key(1), Instant{-1ms}};
    State no_secret = full_state();
    Key emptied = key(1);
    emptied.secret = Secret{};
    no_secret.current = CurrentKey{emptied, std::nullopt};
    State no_text = full_state();
    no_text.identity.device = "\xff\xfe";
    for (const State& state : {before_1970, no_secret, no_text}) {
        const auto saved = file.save(state);
        if (saved) {  // then it must be the same
            EXPECT_EQ(loaded(file), state);
            ASSERT_TRUE(file.save(full_state()));
            continue;
        }
        EXPECT_EQ(saved.error().kind, ErrorKind::InvalidInput);
        EXPECT_EQ(loaded(file), full_state());
    }
    EXPECT_FALSE(file.save(before_1970));
    EXPECT_FALSE(file.save(no_secret));
}

TEST_F(StateFileTest, ATooLargeStateIsNotSaved) {
    State state = full_state();
    state.machine = std::string(largest_state, 'x');
    EXPECT_EQ(file.save(state).error().kind, ErrorKind::Io);
    EXPECT_TRUE(folder.names().empty());
}

TEST_F(StateFileTest, AFailedSaveLeavesTheOldState) {
    ASSERT_TRUE(file.save(bare_state()));
    for (std::size_t n = 1; n <= 8; ++n) {
        FaultyCalls calls;
        calls.fail_at(n, ENOSPC);
        StateFile failing{folder.path(), calls};
        EXPECT_EQ(failing.save(full_state()).error().kind, ErrorKind::Io) << n;
        EXPECT_EQ(loaded(file), bare_state()) << n;
    }
}

TEST_F(StateFileTest, AFailingDiskIsNeverTakenForNoState) {
    ASSERT_TRUE(file.save(bare_state()));
    for (const int error : {EIO, EACCES, EMFILE}) {
        for (std::size_t n = 2; n <= 4; ++n) {  // 1 removes a leftover
            FaultyCalls calls;
            calls.fail_at(n, error);
            EXPECT_FALSE((StateFile{folder.path(), calls}.load())) << n << ", " << error;
        }
    }
}

TEST_F(StateFileTest, LoadRemovesWhatACrashLeft) {
    ASSERT_TRUE(file.save(bare_state()));
    put(folder / ".state.json.devkeyd-tmp", "{\"version\" : 1, \"ide");
    EXPECT_EQ(loaded(file), bare_state());
    EXPECT_EQ(folder.names(), std::set<std::string>{"state.json"});
}

TEST_F(StateFileTest, ALooseModeIsTightenedAndTold) {
    ASSERT_TRUE(file.save(bare_state()));
    for (const mode_t mode : {0644U, 0660U, 0700U, 04600U}) {
        reporter.names.clear();
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
        ASSERT_TRUE(file.load());
        EXPECT_EQ(mode_of(path), 0600U);
        EXPECT_EQ(reporter.names, std::vector<std::string>{"state-file-tightened"});
    }
    ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
    ASSERT_TRUE((StateFile{folder.path(), real}.load())) << "also without a reporter";
    EXPECT_EQ(mode_of(path), 0600U);
}

TEST_F(StateFileTest, ALinkIsInsecure) {
    ASSERT_TRUE(file.save(bare_state()));
    std::filesystem::rename(path, folder / "elsewhere");
    std::filesystem::create_symlink(folder / "elsewhere", path);
    EXPECT_EQ(file.load().error().kind, ErrorKind::Insecure);
    std::filesystem::remove(folder / "elsewhere");  // a dangling one isn't a missing state either
    EXPECT_EQ(file.load().error().kind, ErrorKind::Insecure);
}

TEST_F(StateFileTest, AnothersFileIsInsecure) {
    class OthersFile : public FileCalls {
        int look(int descriptor, struct stat& facts) override {
            const int answer = FileCalls::look(descriptor, facts);
            facts.st_uid += 1;
            return answer;
        }
    } calls;
    ASSERT_TRUE(file.save(bare_state()));
    const auto loaded = StateFile{folder.path(), calls}.load();
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::Insecure);
    EXPECT_NE(loaded.error().message.find("belongs to user"), std::string::npos);
}

}  // namespace
}  // namespace devkey::storage
