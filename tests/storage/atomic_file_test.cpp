#include "storage/atomic_file.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <thread>

#include "fakes/refuse_call.hpp"
#include "fakes/temporary_directory.hpp"

namespace devkey::storage {
namespace {

using core::ErrorKind;
using fakes::content_of;
using fakes::put;
using fakes::TemporaryDirectory;

mode_t mode_of(const std::string& path) {
    struct stat facts{};
    EXPECT_EQ(::lstat(path.c_str(), &facts), 0);
    return facts.st_mode;
}

/// Fails the nth call with an error of choice, and sees the mode at every call: what a reader could see, too.
class FaultyCalls : public FileCalls {
 public:
    int fail_at = 0;
    int error = ENOSPC;
    bool dies = false;
    int made = 0;
    mode_t loosest = 0;

    int create(int directory, const char* name) override {
        return fails() ? -1 : FileCalls::create(directory, name);
    }
    int chown_group(int file, gid_t group) override {
        return fails(file) ? -1 : FileCalls::chown_group(file, group);
    }
    int chmod(int file, mode_t mode) override { return fails(file) ? -1 : FileCalls::chmod(file, mode); }
    ssize_t write(int file, const void* data, std::size_t) override {
        return fails(file) ? -1 : FileCalls::write(file, data, 1);  // the least a kernel may take
    }
    int fsync(int file) override { return fails(file) ? -1 : FileCalls::fsync(file); }
    int rename(int directory, const char* from, const char* to) override {
        return fails() ? -1 : FileCalls::rename(directory, from, to);
    }
    int unlink(int directory, const char* name) override {
        return fails() ? -1 : FileCalls::unlink(directory, name);
    }

 private:
    bool fails(int file = -1) {
        struct stat facts{};
        if (file >= 0 && ::fstat(file, &facts) == 0 && S_ISREG(facts.st_mode))
            loosest |= facts.st_mode & 077U;
        if (++made != fail_at) return false;
        if (dies) ::_exit(9);
        errno = error;
        return true;
    }
};

TEST(WriteFile, MakesTheFileWithItsModeAndNothingBeside) {
    const TemporaryDirectory directory;
    FaultyCalls calls;
    ASSERT_TRUE(write_file(calls, directory.file("a"), "content", {.mode = 0440}));
    EXPECT_EQ(content_of(directory.file("a")), "content");
    EXPECT_EQ(mode_of(directory.file("a")) & 07777U, 0440U);
    EXPECT_EQ(directory.entries(), 1U);
}

TEST(WriteFile, IsNeverLooserThanAskedForNotEvenForAMoment) {
    const TemporaryDirectory directory;
    const auto old = ::umask(0);
    FaultyCalls calls;
    ASSERT_TRUE(write_file(calls, directory.file("a"), "content", {.mode = 0600, .group = ::getegid()}));
    ::umask(old);
    EXPECT_EQ(calls.loosest, 0U);
}

// The shipped unit lets nobody change a group.
TEST(WriteFile, ChangesNoGroupThatIsRightFromBirth) {
    const TemporaryDirectory directory;
    const pid_t child = ::fork();
    if (child == 0) {
        FileCalls calls;
        const bool refused = fakes::refuse_call(SYS_fchown, EPERM);
        const auto written =
            write_file(calls, directory.file("a"), "content", {.mode = 0640, .group = ::getegid()});
        ::_exit(refused && written ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(content_of(directory.file("a")), "content");
}

TEST(WriteFile, ThatFailsAnywhereLeavesTheOldFileWhole) {
    for (const int error : {ENOSPC, EIO, EROFS, EACCES}) {
        for (int at = 1;; ++at) {
            const TemporaryDirectory directory;
            put(directory.file("a"), "old");
            FaultyCalls calls;
            calls.fail_at = at;
            calls.error = error;
            const auto written =
                write_file(calls, directory.file("a"), "new", {.mode = 0600, .group = ::getegid()});
            if (calls.made < at) {
                EXPECT_TRUE(written);
                EXPECT_GT(at, 8);
                break;
            }
            ASSERT_FALSE(written) << at;
            EXPECT_EQ(written.error().kind, error == EACCES ? ErrorKind::Forbidden : ErrorKind::Io);
            EXPECT_NE(written.error().message.find(directory.file("a")), std::string::npos);
            const bool renamed =
                at == calls.made && content_of(directory.file("a")) == "new";  // the directory's fsync
            EXPECT_TRUE(renamed || content_of(directory.file("a")) == "old") << at;
            EXPECT_EQ(directory.entries(), 1U) << at;
        }
    }
}

TEST(WriteFile, ThatDiesAnywhereLeavesOldOrNewAndTheNextOneCleansUp) {
    for (int at = 1; at < 20; ++at) {
        const TemporaryDirectory directory;
        put(directory.file("a"), "old");
        const pid_t child = ::fork();
        if (child == 0) {
            FaultyCalls calls;
            calls.fail_at = at;
            calls.dies = true;
            const auto written = write_file(calls, directory.file("a"), "new", {});
            ::_exit(written ? 0 : 1);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        const auto content = content_of(directory.file("a"));
        EXPECT_TRUE(content == "old" || content == "new") << at << ": " << content;
        EXPECT_LE(directory.entries(), 2U);
        FileCalls calls;
        ASSERT_TRUE(write_file(calls, directory.file("a"), "next", {}));
        EXPECT_EQ(content_of(directory.file("a")), "next");
        EXPECT_EQ(directory.entries(), 1U) << at;
    }
}

TEST(WriteFile, ReplacesASymlinkAndLeavesItsTargetAlone) {
    const TemporaryDirectory directory;
    put(directory.file("target"), "precious");
    ASSERT_EQ(::symlink(directory.file("target").c_str(), directory.file("a").c_str()), 0);
    ASSERT_EQ(::symlink(directory.file("target").c_str(), directory.file(".a.devkeyd-new").c_str()), 0);
    FileCalls calls;
    ASSERT_TRUE(write_file(calls, directory.file("a"), "new", {}));
    EXPECT_EQ(content_of(directory.file("target")), "precious");
    EXPECT_TRUE(S_ISREG(mode_of(directory.file("a"))));
}

TEST(WriteFile, LeavesHardLinkedFilesAlone) {
    const TemporaryDirectory directory;
    put(directory.file("a"), "old");
    ASSERT_EQ(::link(directory.file("a").c_str(), directory.file("other").c_str()), 0);
    ASSERT_EQ(::link(directory.file("a").c_str(), directory.file(".a.devkeyd-new").c_str()), 0);
    FileCalls calls;
    ASSERT_TRUE(write_file(calls, directory.file("a"), "new", {}));
    EXPECT_EQ(content_of(directory.file("other")), "old");
    EXPECT_EQ(directory.entries(), 2U);
}

TEST(WriteFile, NamesADirectoryThatStandsInTheWay) {
    FileCalls calls;
    for (const char* name : {"a", ".a.devkeyd-new"}) {
        const TemporaryDirectory directory;
        ASSERT_EQ(::mkdir(directory.file(name).c_str(), 0700), 0);
        const auto written = write_file(calls, directory.file("a"), "new", {});
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().kind, ErrorKind::Io);
        EXPECT_EQ(directory.entries(), 1U) << name;
    }
}

TEST(WriteFile, RefusesADirectoryWhereAnyoneMayReplaceFiles) {
    const TemporaryDirectory directory;
    FileCalls calls;
    ASSERT_EQ(::chmod(directory.path.c_str(), 0777), 0);
    EXPECT_EQ(write_file(calls, directory.file("a"), "x", {}).error().kind, ErrorKind::Insecure);
    EXPECT_EQ(directory.entries(), 0U);
    ASSERT_EQ(::chmod(directory.path.c_str(), 01777), 0);  // as /tmp: nobody can replace another's
    EXPECT_TRUE(write_file(calls, directory.file("a"), "x", {}));
}

TEST(WriteFile, GoesOnAfterAnInterruptionAndDoesNotSpin) {
    class Moody : public FileCalls {
     public:
        ssize_t write(int file, const void* data, std::size_t size) override {
            if (stuck) return 0;
            interrupt_ = !interrupt_;
            if (!interrupt_) return FileCalls::write(file, data, size);
            errno = EINTR;
            return -1;
        }
        bool stuck = false;

     private:
        bool interrupt_ = false;
    } calls;
    const TemporaryDirectory directory;
    ASSERT_TRUE(write_file(calls, directory.file("a"), "first", {}));
    EXPECT_EQ(content_of(directory.file("a")), "first");
    calls.stuck = true;
    EXPECT_EQ(write_file(calls, directory.file("a"), "second", {}).error().kind, ErrorKind::Io);
    EXPECT_EQ(content_of(directory.file("a")), "first");
}

TEST(WriteFile, ThatGrowsPastTheLimitLeavesTheOldFile) {
    const TemporaryDirectory directory;
    put(directory.file("a"), "old");
    struct rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit tight{10, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
    FileCalls calls;
    const auto written = write_file(calls, directory.file("a"), std::string(100, 'x'), {});
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    static_cast<void>(std::signal(SIGXFSZ, handler));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::Io);
    EXPECT_EQ(content_of(directory.file("a")), "old");
    EXPECT_EQ(directory.entries(), 1U);
}

/// In a child with a mount table of its own. 0: held; 1: didn't hold; 2: nothing can be mounted here.
int full_disk_check(const TemporaryDirectory& place) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", place.path.c_str(), "tmpfs", 0, "size=64k,mode=700") != 0)
        return 2;
    FileCalls calls;
    put(place.file("a"), "old");
    put(place.file("filler"), std::string(1U << 20U, 'x'));
    const auto written = write_file(calls, place.file("a"), "new", {});
    const bool refused = !written && written.error().kind == ErrorKind::Io;
    const bool held = refused && place.entries() == 2 && content_of(place.file("a")) == "old";
    ::unlink(place.file("filler").c_str());
    return held && write_file(calls, place.file("a"), "new", {}) ? 0 : 1;
}

TEST(WriteFile, ThatFindsTheDiskFullLeavesTheOldFileAndFreedSpaceMendsIt) {
    const TemporaryDirectory directory;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(full_disk_check(directory));
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2)
        GTEST_SKIP() << "no tmpfs can be mounted here; the test of the size limit stands in";
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(RemoveFile, RemovesItWithWhatACrashLeftAndIsContentIfItIsNotThere) {
    const TemporaryDirectory directory;
    const auto path = directory.path + "/file";
    put(path, "secret");
    put(directory.path + "/.file.devkeyd-new", "secret");
    FaultyCalls calls;
    ASSERT_TRUE(remove_file(calls, path));
    EXPECT_TRUE(std::filesystem::is_empty(directory.path));
    EXPECT_TRUE(remove_file(calls, path));
    EXPECT_TRUE(remove_file(calls, directory.path + "/gone/file"));
}

TEST(RemoveFile, SaysWhatFailed) {
    const TemporaryDirectory directory;
    const auto path = directory.path + "/file";
    for (const int at : {1, 2}) {  // the removal, and bringing its directory to disk
        put(path, "secret");
        FaultyCalls calls;
        calls.fail_at = at;
        calls.error = EROFS;
        const auto removed = remove_file(calls, path);
        ASSERT_FALSE(removed) << at;
        EXPECT_EQ(removed.error().kind, ErrorKind::Io);
        EXPECT_NE(removed.error().message.find(path), std::string::npos);
    }
}

TEST(RemoveFile, BringsToDiskWhatAProcessRemovedThatDiedThen) {
    const TemporaryDirectory directory;
    const auto path = directory.path + "/file";
    put(path, "secret");
    FaultyCalls first;
    first.fail_at = 2;  // bringing its directory to disk
    ASSERT_FALSE(remove_file(first, path));
    FaultyCalls second;
    second.fail_at = 2;
    EXPECT_FALSE(remove_file(second, path));
    FaultyCalls third;
    EXPECT_TRUE(remove_file(third, path));
    EXPECT_EQ(third.made, 2);
}

TEST(RemoveLeftover, RemovesThatAndNothingElse) {
    const TemporaryDirectory directory;
    put(directory.file("a"), "old");
    put(directory.file(".a.devkeyd-new"), "torn");
    put(directory.file(".b.devkeyd-new"), "another's");
    remove_leftover(directory.file("a"));
    remove_leftover(directory.file("a"));
    EXPECT_EQ(directory.entries(), 2U);
    EXPECT_EQ(content_of(directory.file("a")), "old");
}

TEST(WriteFile, SaysWhatToDoWithoutADirectory) {
    FileCalls calls;
    const auto written = write_file(calls, "/nonexistent/a", "x", {});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::Io);
    EXPECT_NE(written.error().message.find("create the directory"), std::string::npos);
}

TEST(WriteFile, IsWholeForEveryReader) {
    const TemporaryDirectory directory;
    const std::string first(5000, 'a');
    const std::string second(9000, 'b');
    FileCalls calls;
    ASSERT_TRUE(write_file(calls, directory.file("a"), first, {}));
    std::atomic<bool> stop = false;
    std::atomic<int> torn = 0;
    std::jthread reader([&] {
        while (!stop) {
            const auto content = content_of(directory.file("a"));
            if (content != first && content != second) ++torn;
        }
    });
    for (int i = 0; i < 500; ++i)
        ASSERT_TRUE(write_file(calls, directory.file("a"), i % 2 ? first : second, {}));
    stop = true;
    reader.join();
    EXPECT_EQ(torn, 0);
}

TEST(ReadFile, RefusesWhatIsNoRegularFileOrTooLong) {
    const TemporaryDirectory directory;
    put(directory.file("a"), "12345");
    ASSERT_EQ(::symlink("a", directory.file("link").c_str()), 0);
    ASSERT_EQ(::mkfifo(directory.file("pipe").c_str(), 0600), 0);
    EXPECT_EQ(read_file(directory.file("a"), 5)->content.reveal(), "12345");
    EXPECT_EQ(read_file(directory.file("a"), 4).error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(read_file(directory.file("none"), 4).error().kind, ErrorKind::NotFound);
    EXPECT_EQ(read_file(directory.file("link"), 5).error().kind, ErrorKind::Insecure);
    EXPECT_EQ(read_file(directory.file("pipe"), 5).error().kind, ErrorKind::Insecure);
    EXPECT_EQ(read_file(directory.path, 5).error().kind, ErrorKind::Insecure);
    const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address{};
    address.sun_family = AF_UNIX;
    directory.file("socket").copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(listener, reinterpret_cast<struct sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(read_file(directory.file("socket"), 5).error().kind, ErrorKind::Insecure);
    ::close(listener);
}

}  // namespace
}  // namespace devkey::storage
