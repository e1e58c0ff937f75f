#include "storage/history_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "fakes/temporary_directory.hpp"

namespace devkey::storage {
namespace {

using fakes::content_of;
using fakes::put;
using namespace std::chrono_literals;

struct History : testing::Test {
    void add(const std::string& message) {
        last = history.append(core::Instant{std::chrono::days{20'000}}, {.severity = ports::Severity::Notice,
                                                                         .name = "key-created",
                                                                         .message = message,
                                                                         .fields = {{"key_id", "k1"}}});
    }
    static std::string line(const std::string& message) {
        return R"({"at":"2024-10-04T00:00:00.000Z","event":"key-created","message":")" + message +
               R"(","key_id":"k1"})";
    }

    fakes::TemporaryDirectory directory;
    HistoryFile history{directory.path};
    core::Result<void> last;
    std::string file = directory.file("history.jsonl");
};

TEST_F(History, HasALineForEachEventThatOnlyWeCanRead) {
    EXPECT_TRUE(history.latest(10).empty());
    add("one");
    add("two \\\"quoted");
    EXPECT_EQ(content_of(file).substr(0, line("one").size() + 1), line("one") + "\n");
    EXPECT_EQ(history.latest(10).size(), 2U);
    EXPECT_EQ(history.latest(1).size(), 1U);
    EXPECT_EQ(history.latest(0).size(), 0U);
    struct stat there{};
    ASSERT_EQ(::stat(file.c_str(), &there), 0);
    EXPECT_EQ(there.st_mode & 07777U, 0600U);
}

TEST_F(History, GoesOnAfterALineThatAPowerCutTore) {
    add("one");
    std::ofstream(file, std::ios::app) << R"({"at":"2024-)";
    add("two");
    EXPECT_EQ(history.latest(10), (std::vector{line("one"), line("two")}));
    put(file, std::string("\0\0\0\n", 4) + line("three") + "\n");
    EXPECT_EQ(history.latest(10), (std::vector{line("three")}));
}

TEST_F(History, KeepsWhateverAServerSaidInShort) {
    add("no \xff UTF-8");
    EXPECT_EQ(history.latest(1).at(0), line("no \xef\xbf\xbd UTF-8"));
    add(std::string(9000, 'x'));
    EXPECT_EQ(history.latest(1).at(0), line(std::string(500, 'x')));
}

TEST_F(History, LeavesOutALineThatIsMoreOrLessThanAnObject) {
    for (const char* odd :
         {R"({"a":1}})", R"({"a":1} {})", R"({"a":1},{"b":2})", R"({"a":1}]})", "[]", "7", ""}) {
        put(file, std::string(odd) + "\n" + line("one") + "\n" + odd + "\n");
        EXPECT_EQ(history.latest(10), (std::vector{line("one")})) << odd;
    }
}

TEST_F(History, KeepsOneFileBeforeTheCurrentOne) {
    const std::string much(1000, 'x');
    for (std::size_t i = 0; i < 3 * HistoryFile::full / 1000; ++i) add(much);
    add("last");
    EXPECT_LT(std::filesystem::file_size(file), HistoryFile::full);
    EXPECT_LT(std::filesystem::file_size(file + ".1"), HistoryFile::full + HistoryFile::longest_line);
    const auto all = history.latest(10'000);
    EXPECT_EQ(all.back(), line("last"));
    EXPECT_GT(all.size(), HistoryFile::full / 1100);
}

TEST_F(History, GoesBackIntoTheFileBefore) {
    put(file + ".1", line("one") + "\n" + line("two") + "\n");
    put(file, line("three") + "\n");
    EXPECT_EQ(history.latest(2), (std::vector{line("two"), line("three")}));
    EXPECT_EQ(history.latest(10), (std::vector{line("one"), line("two"), line("three")}));
}

TEST_F(History, LosesWhatCannotBeWrittenAndSaysWhy) {
    HistoryFile nowhere{directory.file("missing")};
    last = nowhere.append({}, {.severity = ports::Severity::Notice, .name = "x", .message = "y"});
    ASSERT_FALSE(last);
    EXPECT_TRUE(last.error().message.contains("history.jsonl: it can't be opened: No such file"))
        << last.error().message;
    EXPECT_TRUE(nowhere.latest(10).empty());
    std::filesystem::create_symlink(directory.file("other"), file);
    add("one");
    EXPECT_FALSE(last);
    EXPECT_FALSE(std::filesystem::exists(directory.file("other")));
    std::filesystem::remove(file);
    const std::string long_text(500, '\x01');  // six times as long in JSON
    last = history.append({}, {.name = "x", .message = long_text, .fields = {{"why", long_text}}});
    ASSERT_FALSE(last);
    EXPECT_TRUE(last.error().message.contains("the event x is longer")) << last.error().message;
    add("two");
    EXPECT_TRUE(last);
    EXPECT_EQ(history.latest(10), (std::vector{line("two")}));
}

TEST_F(History, AFullOneThatCannotBeRenamedIsTold) {
    std::filesystem::create_directories(file + ".1/x");
    add(std::string(400, 'x'));
    EXPECT_TRUE(last);
    put(file, std::string(HistoryFile::full, 'x') + "\n");
    add("one");
    ASSERT_FALSE(last);
    EXPECT_TRUE(last.error().message.contains("renamed")) << last.error().message;
}

}  // namespace
}  // namespace devkey::storage
