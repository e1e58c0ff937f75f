#include "host/file_watch.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "fakes/refuse_call.hpp"
#include "fakes/temporary_directory.hpp"
#include "host/readable.hpp"

namespace devkey::host {
namespace {

namespace fs = std::filesystem;

// inotify queues an event before the call that caused it returns: no waiting is needed to see it, or its
// absence.
bool noticed(FileWatch& watch) {
    return readable_now(watch.descriptor()) && watch.touched();
}

TEST(FileWatch, NoticesEveryChange) {
    const fakes::TemporaryDirectory directory;
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
    const fakes::TemporaryDirectory directory;
    FileWatch watch{directory.write("file", "a")};
    for (int i = 0; i < 3; ++i) {
        directory.write("temporary", "b");
        static_cast<void>(noticed(watch));
        fs::rename(directory.file("temporary"), directory.file("file"));
        EXPECT_TRUE(noticed(watch));
    }
}

TEST(FileWatch, IgnoresItsNeighbours) {
    const fakes::TemporaryDirectory directory;
    FileWatch watch{directory.write("file", "a")};
    directory.write("other", "b");
    fs::remove(directory.file("other"));
    EXPECT_FALSE(noticed(watch));
}

TEST(FileWatch, WaitsForAMissingFileAndDirectory) {
    const fakes::TemporaryDirectory directory;
    FileWatch watch{directory.file("a/b/file")};
    EXPECT_FALSE(noticed(watch));
    fs::create_directory(directory.file("a"));
    EXPECT_FALSE(noticed(watch));
    fs::create_directory(directory.file("a/b"));
    EXPECT_FALSE(noticed(watch));
    directory.write("a/b/file", "x");
    EXPECT_TRUE(noticed(watch));
}

TEST(FileWatch, SeesDirectoriesThatAreMadeAllAtOnce) {
    const fakes::TemporaryDirectory directory;
    FileWatch watch{directory.file("a/b/file")};
    fs::create_directories(directory.file("a/b"));
    static_cast<void>(noticed(watch));
    directory.write("a/b/file", "x");
    EXPECT_TRUE(noticed(watch));
}

TEST(FileWatch, NoticesAWriterThatKeepsTheFileOpen) {
    const fakes::TemporaryDirectory directory;
    FileWatch watch{directory.write("file", "good")};
    std::ofstream writer(directory.file("file"), std::ios::in | std::ios::out);
    writer << "evil" << std::flush;
    EXPECT_TRUE(noticed(watch));
}

TEST(FileWatch, FollowsALinkThatTakesTheFilesPlace) {
    const fakes::TemporaryDirectory directory;
    const std::string path = directory.write("file", "a");
    fs::create_directory(directory.file("elsewhere"));
    directory.write("elsewhere/file", "b");
    FileWatch watch{path};
    directory.write("other", "x");
    EXPECT_FALSE(noticed(watch));
    fs::create_symlink("elsewhere/file", directory.file("link"));
    EXPECT_FALSE(noticed(watch));
    fs::rename(directory.file("link"), path);
    EXPECT_TRUE(noticed(watch));
    directory.write("elsewhere/file", "c");
    EXPECT_TRUE(noticed(watch));
}

TEST(FileWatch, FollowsALinkThatTakesTheDirectorysPlace) {
    const fakes::TemporaryDirectory directory;
    fs::create_directory(directory.file("a"));
    fs::create_directory(directory.file("b"));
    directory.write("a/file", "a");
    directory.write("b/file", "b");
    FileWatch watch{directory.file("a/file")};
    directory.write("a/other", "x");
    EXPECT_FALSE(noticed(watch));
    fs::rename(directory.file("a"), directory.file("old"));
    EXPECT_TRUE(noticed(watch));
    fs::create_directory_symlink("b", directory.file("a"));
    EXPECT_TRUE(noticed(watch));
    directory.write("b/file", "c");
    EXPECT_TRUE(noticed(watch));
    directory.write("old/file", "not ours");
    EXPECT_FALSE(noticed(watch));
}

TEST(FileWatch, FollowsALinkThatLiesWhereItLeads) {
    const fakes::TemporaryDirectory directory;
    fs::create_directory(directory.file("b"));
    directory.write("file", "a");
    directory.write("b/file", "b");
    fs::create_directory_symlink(".", directory.file("here"));
    FileWatch watch{directory.file("here/file")};
    fs::create_directory_symlink("b", directory.file("new"));
    EXPECT_FALSE(noticed(watch));
    fs::rename(directory.file("new"), directory.file("here"));
    EXPECT_TRUE(noticed(watch));
    directory.write("b/file", "c");
    EXPECT_TRUE(noticed(watch));
}

TEST(FileWatch, FollowsALinkToWhatIsMissing) {
    const fakes::TemporaryDirectory directory;
    fs::create_symlink("data/secret", directory.file("secret"));
    fs::create_directory(directory.file("data.new"));
    directory.write("data.new/secret", "one");
    FileWatch watch{directory.file("secret")};
    EXPECT_FALSE(noticed(watch));
    fs::rename(directory.file("data.new"), directory.file("data"));
    EXPECT_TRUE(noticed(watch));
    directory.write("data/secret", "two");
    EXPECT_TRUE(noticed(watch));
}

TEST(FileWatch, FollowsAVersionThatALinkSwitches) {
    // As secret stores do: secret → data/secret, data → version-1.
    const fakes::TemporaryDirectory directory;
    fs::create_directory(directory.file("version-1"));
    fs::create_directory(directory.file("version-2"));
    directory.write("version-1/secret", "one");
    directory.write("version-2/secret", "two");
    fs::create_directory_symlink("version-1", directory.file("data"));
    fs::create_symlink("data/secret", directory.file("secret"));
    FileWatch watch{directory.file("secret")};
    fs::create_directory_symlink("version-2", directory.file("data.new"));
    EXPECT_FALSE(noticed(watch));
    fs::rename(directory.file("data.new"), directory.file("data"));
    EXPECT_TRUE(noticed(watch));
    directory.write("version-2/secret", "three");
    EXPECT_TRUE(noticed(watch));
}

// These would not end if the nearest directory were looked for again and again.
TEST(FileWatch, TakesTheNextDirectoryIfSomethingElseHasItsPlace) {
    const fakes::TemporaryDirectory directory;
    directory.write("a", "#!/bin/sh\n", 0755);
    FileWatch watch{directory.file("a/file")};
    fs::remove(directory.file("a"));
    fs::create_directory(directory.file("a"));
    static_cast<void>(noticed(watch));
    directory.write("a/file", "x");
    EXPECT_TRUE(noticed(watch));
}

int watch_without_permission(const fakes::TemporaryDirectory& directory) {
    if (::chmod(directory.path.c_str(), 0755) != 0) return 1;
    if (::geteuid() == 0 && ::setuid(65534) != 0) return 2;
    FileWatch watch{directory.file("a/file")};
    return noticed(watch) ? 3 : 0;
}

TEST(FileWatch, TakesTheNextDirectoryIfItMayNotBeRead) {
    const fakes::TemporaryDirectory directory;
    fs::create_directory(directory.file("a"));
    directory.write("a/file", "x", 0644);
    // May be passed through, but not read.
    ASSERT_EQ(::chmod((directory.file("a")).c_str(), 0311), 0);
    EXPECT_EXIT(::_exit(watch_without_permission(directory)), testing::ExitedWithCode(0), "");
    ASSERT_EQ(::chmod((directory.file("a")).c_str(), 0700), 0);
}

TEST(FileWatch, SurvivesItsDirectorysRemovalAndRenaming) {
    const fakes::TemporaryDirectory directory;
    fs::create_directory(directory.file("a"));
    FileWatch watch{directory.file("a/file")};
    directory.write("a/file", "ours");
    EXPECT_TRUE(noticed(watch));
    fs::remove_all(directory.file("a"));
    EXPECT_TRUE(noticed(watch));
    fs::create_directory(directory.file("a"));
    static_cast<void>(noticed(watch));
    fs::rename(directory.file("a"), directory.file("old"));
    static_cast<void>(noticed(watch));
    directory.write("old/file", "not ours");
    EXPECT_FALSE(noticed(watch));
    fs::create_directory(directory.file("a"));
    static_cast<void>(noticed(watch));
    directory.write("a/file", "ours");
    EXPECT_TRUE(noticed(watch));
}

// In a child, whose system calls are refused for good. It answers what doesn't hold.
int watch_at_the_limit(const std::string& path, long call, int error, const std::string& remedy) {
    if (!fakes::refuse_call(call, error)) return 1;
    const FileWatch watch{path};
    if (!watch.blind()) return 2;
    return watch.blind()->message.find(remedy) != std::string::npos ? 0 : 3;
}

TEST(FileWatch, IsBlindAndSaysTheRemedyAtTheSystemsLimits) {
    const fakes::TemporaryDirectory directory;
    const std::string path = directory.write("file", "a");
    EXPECT_EXIT(::_exit(watch_at_the_limit(path, SYS_inotify_init1, EMFILE, "fs.inotify.max_user_instances")),
                testing::ExitedWithCode(0), "");
    EXPECT_EXIT(
        ::_exit(watch_at_the_limit(path, SYS_inotify_add_watch, ENOSPC, "fs.inotify.max_user_watches")),
        testing::ExitedWithCode(0), "");
    EXPECT_FALSE(FileWatch{path}.blind());
}

int reach_the_limit_later(const fakes::TemporaryDirectory& directory) {
    FileWatch watch{directory.file("a/file")};
    if (watch.blind() || !fakes::refuse_call(SYS_inotify_add_watch, ENOSPC)) return 1;
    fs::create_directory(directory.file("a"));
    static_cast<void>(noticed(watch));
    return watch.blind() ? 0 : 2;
}

TEST(FileWatch, TurnsBlindWhenANewDirectoryCannotBeWatched) {
    const fakes::TemporaryDirectory directory;
    EXPECT_EXIT(::_exit(reach_the_limit_later(directory)), testing::ExitedWithCode(0), "");
}

// A daemon's own writes: what is watched isn't looked for anew with each of them.
int change_a_neighbour_at_the_limit(const fakes::TemporaryDirectory& directory) {
    FileWatch there{directory.write("file", "a")};
    FileWatch missing{directory.file("none")};
    if (!fakes::refuse_call(SYS_inotify_add_watch, ENOSPC)) return 1;
    directory.write("other", "b");
    fs::rename(directory.file("other"), directory.file("another"));
    for (FileWatch* watch : {&there, &missing})
        if (!readable_now(watch->descriptor()) || watch->touched() || watch->blind()) return 2;
    directory.write("file", "c");
    return there.touched() && there.blind() && !missing.touched() && !missing.blind() ? 0 : 3;
}

TEST(FileWatch, WatchesNothingAnewForItsNeighbours) {
    const fakes::TemporaryDirectory directory;
    EXPECT_EXIT(::_exit(change_a_neighbour_at_the_limit(directory)), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace devkey::host
