#include "host/file_watch.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "host/readable.hpp"
#include "host/temporary_directory.hpp"

namespace devkey::host {
namespace {

namespace fs = std::filesystem;

// inotify queues an event before the call that caused it returns: no waiting is needed to see it, or its
// absence.
bool noticed(FileWatch& watch) {
    return readable_now(watch.descriptor()) && watch.touched();
}

TEST(FileWatch, NoticesEveryChange) {
    const TemporaryDirectory directory;
    const std::string path = directory.write("file", "a");
    FileWatch watch{path};
    EXPECT_FALSE(noticed(watch));
    directory.write("file", "b");
    EXPECT_TRUE(noticed(watch));
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    EXPECT_TRUE(noticed(watch));
    fs::remove(path);
    EXPECT_TRUE(noticed(watch));
    directory.write("file", "c");
    EXPECT_TRUE(noticed(watch));
    EXPECT_FALSE(noticed(watch));
}

TEST(FileWatch, SurvivesReplacement) {
    const TemporaryDirectory directory;
    FileWatch watch{directory.write("file", "a")};
    for (int i = 0; i < 3; ++i) {
        directory.write("temporary", "b");
        static_cast<void>(noticed(watch));
        fs::rename(directory / "temporary", directory / "file");
        EXPECT_TRUE(noticed(watch));
    }
}

TEST(FileWatch, IgnoresItsNeighbours) {
    const TemporaryDirectory directory;
    FileWatch watch{directory.write("file", "a")};
    directory.write("other", "b");
    fs::remove(directory / "other");
    EXPECT_FALSE(noticed(watch));
}

TEST(FileWatch, WaitsForAMissingFileAndDirectory) {
    const TemporaryDirectory directory;
    FileWatch watch{directory / "a/b/file"};
    EXPECT_FALSE(noticed(watch));
    fs::create_directory(directory / "a");
    EXPECT_TRUE(noticed(watch));
    fs::create_directory(directory / "a/b");
    EXPECT_TRUE(noticed(watch));
    directory.write("a/b/file", "x");
    EXPECT_TRUE(noticed(watch));
}

TEST(FileWatch, SeesDirectoriesThatAreMadeAllAtOnce) {
    const TemporaryDirectory directory;
    FileWatch watch{directory / "a/b/file"};
    fs::create_directories(directory / "a/b");
    EXPECT_TRUE(noticed(watch));
    directory.write("a/b/file", "x");
    EXPECT_TRUE(noticed(watch));
}

TEST(FileWatch, SurvivesItsDirectorysRemovalAndRenaming) {
    const TemporaryDirectory directory;
    fs::create_directory(directory / "a");
    FileWatch watch{directory / "a/file"};
    fs::remove(directory / "a");
    EXPECT_TRUE(noticed(watch));
    fs::create_directory(directory / "a");
    EXPECT_TRUE(noticed(watch));
    fs::rename(directory / "a", directory / "old");
    EXPECT_TRUE(noticed(watch));
    directory.write("old/file", "not ours");
    EXPECT_FALSE(noticed(watch));
    fs::create_directory(directory / "a");
    EXPECT_TRUE(noticed(watch));
    directory.write("a/file", "ours");
    EXPECT_TRUE(noticed(watch));
}

}  // namespace
}  // namespace devkey::host
