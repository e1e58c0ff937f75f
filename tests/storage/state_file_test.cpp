#include "storage/state_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <random>

#include "fakes/temporary_directory.hpp"

namespace devkey::storage {
namespace {

using core::ErrorKind;
using core::Intent;
using core::PendingKey;
using core::State;
using fakes::put;
using fakes::TemporaryDirectory;

class SilentReporter : public ports::Reporter {
 public:
    void report(const ports::Event& event) noexcept override { names.emplace_back(event.name); }
    std::vector<std::string> names;
};

core::Key sample_key(std::uint32_t generation) {
    return {.id = "0123456789abcdef01234567",
            .name = "devkey-dev-abc234-" + std::to_string(generation) + "-wxyz",
            .generation = generation,
            .secret = core::Secret{"s3cret \"\\ \xc3\xa4"},
            .created_at = core::Instant{core::Millis{1767323045678}}};
}

State sample_state() {
    State state;
    state.identity = {"https://keys.example:8443", "app-1", "local-userpass:a@b", "dev"};
    state.owner_id = "owner";
    state.installation = "abc234";
    state.machine = "hash";
    state.last_generation = 3;
    state.refused_keys = 1;
    state.retired = {"one", "two"};
    state.current = core::CurrentKey{.key = sample_key(1), .published_at = core::Instant{core::Millis{5}}};
    return state;
}

State grown_state() {
    State state = sample_state();
    const auto at = [](int millis) { return core::Instant{core::Millis{millis}}; };
    state.last_seen = at(9);
    state.current->standing = core::Standing::DisabledOutside;
    state.current->logged_in_at = at(6);
    state.current->listed_at = at(7);
    state.superseded = {
        {.id = "a", .name = "n-a", .generation = 1, .superseded_at = at(3), .disabled_at = at(4)},
        {.id = "b", .name = "n-b", .generation = 2, .superseded_at = {}, .disabled_at = {}}};
    state.current->key.echo_until = at(10);
    state.superseded.back().echo_until = at(11);
    state.superseded.back().created_at = at(1);
    state.superseded.back().secret = core::Secret{"of-b"};
    state.superseded.back().unsure_until = at(13);
    state.superseded.back().told = {.failures = 2, .message = "ended with status 1"};
    state.current->acknowledged_at = at(14);
    state.current->returned_at = at(15);
    state.current->told.done = true;
    state.pause = core::Pause{.until = at(16)};
    state.failures = {{.action = "remove-key",
                       .target = "a",
                       .reason = "service-forbids",
                       .message = "no\t\xc3\xa4",
                       .count = 2,
                       .retry_at = at(12)}};
    state.others = {{.id = "c", .name = "n-c", .seen_at = at(2), .disabled = true}};
    return state;
}

std::vector<State> every_shape() {
    std::vector<State> shapes{sample_state(), State{sample_state()}};
    shapes.back().current->published_at.reset();
    shapes.push_back(grown_state());
    shapes.push_back(grown_state());
    shapes.back().current->standing = core::Standing::DeletedOutside;
    for (const auto standing : {core::Standing::SwitchingOff, core::Standing::SwitchedOff}) {
        shapes.push_back(grown_state());
        shapes.back().current->standing = standing;
        shapes.back().current->off_by_person = standing == core::Standing::SwitchedOff;
        shapes.back().pause = core::Pause{};
        if (standing == core::Standing::SwitchedOff)
            shapes.back().current->unsure_until = core::Instant{core::Millis{8}};
        shapes.back().current->last_beat = core::Instant{core::Millis{9}};
    }
    shapes.push_back(grown_state());
    shapes.back().current.reset();
    shapes.back().decommissioned_at = core::Instant{core::Millis{8}};
    shapes.back().twin = "devkey-dev-abc234-9-wxyz";
    for (const auto stage :
         {Intent::Stage::Unsent, Intent::Stage::Sent, Intent::Stage::Landed, Intent::Stage::Found}) {
        State state = sample_state();
        state.current.reset();
        state.intent.emplace();
        state.intent->name = "devkey-dev-abc234-3-aaaa";
        state.intent->generation = 3;
        state.intent->stage = stage;
        if (stage == Intent::Stage::Found) state.intent->id = "id";
        shapes.push_back(state);
    }
    for (const auto stage :
         {PendingKey::Stage::Received, PendingKey::Stage::Refused, PendingKey::Stage::Returning}) {
        State state = sample_state();
        state.pending = PendingKey{.key = sample_key(2), .stage = stage};
        state.pending->returns = stage == PendingKey::Stage::Returning;
        shapes.push_back(state);
    }
    return shapes;
}

TEST(StateText, ReadsBackEveryShapeTheSame) {
    for (const State& state : every_shape()) {
        const auto text = format_state(state);
        const auto read = parse_state(text.reveal());
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(*read, state);
    }
}

TEST(StateText, NamesTheFieldThatIsWrong) {
    const std::string good{format_state(grown_state()).reveal()};
    const auto with = [&](const std::string& from, const std::string& to) {
        auto text = good;
        const auto at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return parse_state(text.replace(at, from.size(), to));
    };
    const auto expect = [](const core::Result<State>& result, const char* field) {
        ASSERT_FALSE(result) << field;
        EXPECT_EQ(result.error().kind, ErrorKind::Corrupt);
        EXPECT_NE(result.error().message.find(field), std::string::npos) << result.error().message;
    };
    expect(with("\"version\": 1", "\"version\": 2"), "version");
    expect(with("\"app\": \"app-1\"", "\"app\": 7"), "identity.app");
    expect(with("\"app\": \"app-1\"", "\"app\": \"x\", \"more\": 1"), "identity.more");
    expect(with("\"last_generation\": 3", "\"last_generation\": -3"), "last_generation");
    expect(with("\"last_generation\": 3", "\"last_generation\": 1e99"), "last_generation");
    expect(with("\"refused_keys\"", "\"other\""), "refused_keys");
    expect(with("2026-01-02T", "2026-13-02T"), "current.key.created_at");
    expect(with("\"version\": 1", "\"version\": true"), "version");
    expect(with("\"version\": 1", "\"version\": 1, \"version\": 1"), "'version' stands there twice");
    expect(with("\"app\": \"app-1\"", "\"app\": \"x\", \"app\": \"app-1\""), "'app' stands there twice");
    expect(with("\"machine\": \"hash\"", "\"machine\": null"), "machine");
    expect(with("\"current\": {", "\"current\": [], \"old\": {"), "current");
    expect(with("\"id\": \"b\"", "\"id\": 1"), "superseded[1].id");
    expect(with("\"id\": \"b\"", "\"id\": \"b\", \"more\": 1"), "superseded[1].more");
    expect(with("\"others\": [", "\"others\": [7, "), "others[0]");
    expect(with("\"count\": 2", "\"count\": \"2\""), "failures[0].count");
    expect(with("\"others\": [", "\"others\": {}, \"old\": ["), "others");
    expect(with("\"disabled\": true", "\"disabled\": 1"), "others[0].disabled");
    expect(with("\"disabled-outside\"", "\"lost\""), "current.standing");
    expect(parse_state(good + "{}"), "whole JSON");
}

TEST(StateText, NeverQuotesTheSecretInAnError) {
    const std::string good{format_state(sample_state()).reveal()};
    for (std::size_t length = 0; length < good.size() - 1; ++length) {
        const auto read = parse_state(good.substr(0, length));
        ASSERT_FALSE(read) << length;
        EXPECT_EQ(read.error().kind, ErrorKind::Corrupt);
        EXPECT_EQ(read.error().message.find("s3cret"), std::string::npos);
    }
}

TEST(StateText, OfTheFirstVersionIsStillRead) {
    auto expected = sample_state();
    std::string text{format_state(expected).reveal()};
    for (const std::string later :
         {"  \"last_seen\": \"1970-01-01T00:00:00.000Z\",\n", "    \"standing\": \"enabled\""}) {
        const auto at = text.find(later);
        ASSERT_NE(at, std::string::npos) << later << text;
        text.erase(at, later.size());
    }
    const auto comma = text.find_last_of(',');
    text.erase(comma, 1);
    const auto read = parse_state(text);
    ASSERT_TRUE(read) << read.error().message << text;
    EXPECT_EQ(*read, expected);
}

TEST(StateText, SurvivesRandomDamage) {
    const std::string good{format_state(grown_state()).reveal()};
    std::mt19937 random{42};
    for (int round = 0; round < 3000; ++round) {
        auto text = good;
        for (int hits = 0; hits < 3; ++hits) text[random() % text.size()] = static_cast<char>(random());
        const auto read = parse_state(text);
        EXPECT_TRUE(read || read.error().kind == ErrorKind::Corrupt);
    }
    EXPECT_FALSE(parse_state(std::string(100000, '[')));
}

TEST(StateFile, IsMissingThenWhatWasSaved) {
    const TemporaryDirectory directory;
    SilentReporter reporter;
    FileCalls calls;
    StateFile file{directory.path, reporter, calls};
    EXPECT_FALSE(file.load().value());
    ASSERT_TRUE(file.save(sample_state()));
    EXPECT_EQ(file.load().value(), sample_state());
    struct stat facts{};
    ASSERT_EQ(::stat(directory.file("state.json").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0600U);
}

TEST(StateFile, EmptyOrTornIsCorruptNeverMissing) {
    const TemporaryDirectory directory;
    SilentReporter reporter;
    FileCalls calls;
    StateFile file{directory.path, reporter, calls};
    for (const char* content : {"", "{", "null", "[]", "{}"}) {
        put(directory.file("state.json"), content);
        const auto loaded = file.load();
        ASSERT_FALSE(loaded) << content;
        EXPECT_EQ(loaded.error().kind, ErrorKind::Corrupt);
        EXPECT_NE(loaded.error().message.find("move it aside"), std::string::npos);
    }
}

TEST(StateFile, ThatWouldNotReadBackIsNotSaved) {
    const TemporaryDirectory directory;
    SilentReporter reporter;
    FileCalls calls;
    StateFile file{directory.path, reporter, calls};
    ASSERT_TRUE(file.save(sample_state()));
    State before_1970 = sample_state();
    before_1970.current =
        core::CurrentKey{.key = sample_key(1), .published_at = core::Instant{core::Millis{-1}}};
    State no_secret = sample_state();
    no_secret.pending = PendingKey{.key = sample_key(2)};
    no_secret.pending->key.secret = core::Secret{};
    State no_installation = sample_state();
    no_installation.installation.clear();
    for (const State& state : {before_1970, no_secret, no_installation}) {
        const auto saved = file.save(state);
        ASSERT_FALSE(saved);
        EXPECT_EQ(saved.error().kind, ErrorKind::InvalidInput);
        EXPECT_EQ(file.load().value(), sample_state());
    }
}

TEST(StateFile, LoadRemovesWhatACrashLeft) {
    const TemporaryDirectory directory;
    SilentReporter reporter;
    FileCalls calls;
    StateFile file{directory.path, reporter, calls};
    ASSERT_TRUE(file.save(sample_state()));
    put(directory.file(".state.json.devkeyd-new"), "{\"version\": 1, \"ide");
    EXPECT_EQ(file.load().value(), sample_state());
    EXPECT_EQ(directory.entries(), 1U);
}

// A process may have died between its rename and the fsync of the directory.
TEST(StateFile, ThatWasFoundSurvivesAPowerCut) {
    class CountedSyncs : public FileCalls {
     public:
        int fsync(int file) override {
            ++syncs;
            return works ? FileCalls::fsync(file) : (errno = EIO, -1);
        }
        int syncs = 0;
        bool works = true;
    };
    const TemporaryDirectory directory;
    SilentReporter reporter;
    CountedSyncs calls;
    StateFile file{directory.path, reporter, calls};
    ASSERT_TRUE(file.save(sample_state()));
    calls.syncs = 0;
    EXPECT_TRUE(file.load());
    EXPECT_EQ(calls.syncs, 1);
    calls.works = false;
    EXPECT_EQ(file.load().error().kind, ErrorKind::Io);
}

// Whoever only looks must not take away what another is just writing.
TEST(StateFile, IsLookedAtWithoutAnyChange) {
    const TemporaryDirectory directory;
    SilentReporter reporter;
    FileCalls calls;
    EXPECT_FALSE(look_at_state(directory.path).value());
    ASSERT_TRUE((StateFile{directory.path, reporter, calls}.save(sample_state())));
    put(directory.file(".state.json.devkeyd-new"), "{\"version\": 1, \"ide");
    ASSERT_EQ(::chmod(directory.file("state.json").c_str(), 0644), 0);
    EXPECT_EQ(look_at_state(directory.path).value(), sample_state());
    EXPECT_EQ(directory.entries(), 2U);
    struct stat facts{};
    ASSERT_EQ(::stat(directory.file("state.json").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0644U);
    put(directory.file("state.json"), "{");
    EXPECT_EQ(look_at_state(directory.path).error().kind, ErrorKind::Corrupt);
}

TEST(StateFile, ThatIsALinkIsInsecureNeverMissing) {
    const TemporaryDirectory directory;
    SilentReporter reporter;
    FileCalls calls;
    StateFile file{directory.path, reporter, calls};
    ASSERT_EQ(::symlink("nowhere", directory.file("state.json").c_str()), 0);
    EXPECT_EQ(file.load().error().kind, ErrorKind::Insecure);
}

TEST(StateFile, ThatOthersMayReadIsTightenedAndSaid) {
    const TemporaryDirectory directory;
    SilentReporter reporter;
    FileCalls calls;
    StateFile file{directory.path, reporter, calls};
    ASSERT_TRUE(file.save(sample_state()));
    ASSERT_EQ(::chmod(directory.file("state.json").c_str(), 0644), 0);
    ASSERT_TRUE(file.load());
    struct stat facts{};
    ASSERT_EQ(::stat(directory.file("state.json").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0600U);
    EXPECT_EQ(reporter.names, std::vector<std::string>{"state-file-loosened"});
}

TEST(StateFile, OfSomebodyElseIsRefused) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    const TemporaryDirectory directory;
    SilentReporter reporter;
    FileCalls calls;
    StateFile file{directory.path, reporter, calls};
    ASSERT_TRUE(file.save(sample_state()));
    ASSERT_EQ(::chown(directory.file("state.json").c_str(), 12345, static_cast<gid_t>(-1)), 0);
    EXPECT_EQ(file.load().error().kind, ErrorKind::Insecure);
}

}  // namespace
}  // namespace devkey::storage
