#include "storage/atomic_file.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>

#include "storage/as_nobody.hpp"
#include "storage/faulty_calls.hpp"
#include "storage/temporary_folder.hpp"

namespace devkey::storage {
namespace {

using core::ErrorKind;
using Names = std::set<std::string>;

const std::string old_content = "the old content\n";
const std::string new_content = "the new content, which is longer\n";

Protection ours(mode_t mode = 0600) {
    return {.mode = mode, .group = ::getegid()};
}

class AtomicFile : public testing::Test {
 protected:
    [[nodiscard]] core::Result<void> write(FileCalls& calls, mode_t mode = 0600) const {
        return write_file(path, new_content, ours(mode), calls);
    }
    /// The calls of an undisturbed replacement.
    [[nodiscard]] std::vector<std::string> recorded() const {
        FaultyCalls calls;
        EXPECT_TRUE(write(calls));
        put(path, old_content);
        return calls.made();
    }

    TemporaryFolder folder;
    const std::string path = folder / "file";
    const std::string temporary = folder / ".file.devkeyd-tmp";
    FileCalls real;
};

TEST_F(AtomicFile, CreatesWithTheModeWhateverTheUmask) {
    for (const mode_t umask : {0000U, 0022U, 0777U}) {
        const mode_t before = ::umask(umask);
        const auto written = write(real, 0640);
        ::umask(before);
        ASSERT_TRUE(written) << written.error().message;
        EXPECT_EQ(content_of(path), new_content);
        EXPECT_EQ(mode_of(path), 0640U);
        EXPECT_EQ(folder.names(), Names{"file"});
        std::filesystem::remove(path);
    }
}

TEST_F(AtomicFile, ReplacesContentAndMode) {
    put(path, old_content, 0644);
    ASSERT_TRUE(write(real, 0400));
    EXPECT_EQ(content_of(path), new_content);
    EXPECT_EQ(mode_of(path), 0400U);
}

TEST_F(AtomicFile, WritesEmptyContentToo) {
    ASSERT_TRUE(write_file(path, "", ours(), real));
    EXPECT_EQ(content_of(path), "");
}

TEST_F(AtomicFile, WritesByABareNameIntoTheWorkingFolder) {
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    const auto written = write_file("file", new_content, ours(), real);
    std::filesystem::current_path(before);
    ASSERT_TRUE(written);
    EXPECT_EQ(content_of(path), new_content);
}

TEST_F(AtomicFile, SetsGroupAndModeBeforeTheFirstByteAndSyncsBeforeTheRename) {
    EXPECT_EQ(recorded(), (std::vector<std::string>{"open", "look", "open", "change_group", "change_mode",
                                                    "write", "sync", "rename", "sync"}));
    FaultyCalls calls;
    mode_t at_birth = 0;
    off_t size = -1;
    calls.before_write = [&](int file) {
        struct stat facts{};
        ASSERT_EQ(::fstat(file, &facts), 0);
        at_birth = facts.st_mode & 07777U;
        size = facts.st_size;
        EXPECT_EQ(facts.st_uid, ::geteuid());
        EXPECT_EQ(facts.st_gid, ::getegid());
    };
    ASSERT_TRUE(write(calls, 0440));
    EXPECT_EQ(at_birth, 0440U);
    EXPECT_EQ(size, 0);
}

TEST_F(AtomicFile, OldStaysWholeAndNothingIsLeftWhicheverCallFails) {
    const auto calls_made = recorded();
    for (std::size_t n = 1; n < calls_made.size(); ++n) {  // all but the folder's sync: see below
        FaultyCalls calls;
        calls.fail_at(n, n % 2 == 0 ? ENOSPC : EIO);
        const auto written = write(calls);
        ASSERT_FALSE(written) << "call " << n << ", " << calls_made[n - 1];
        EXPECT_EQ(written.error().kind, ErrorKind::Io) << n;
        EXPECT_EQ(written.error().message.rfind(path + ": can't ", 0), 0U) << written.error().message;
        EXPECT_EQ(content_of(path), old_content) << n;
        EXPECT_EQ(folder.names(), Names{"file"}) << n;
    }
}

TEST_F(AtomicFile, SaysWhenItCantPromiseThatTheNewFileSurvives) {
    FaultyCalls calls;
    calls.fail_at(recorded().size(), EIO);
    const auto written = write(calls);
    ASSERT_FALSE(written);
    EXPECT_NE(written.error().message.find("power cut"), std::string::npos);
    EXPECT_EQ(content_of(path), new_content);
}

TEST_F(AtomicFile, SurvivesACrashBeforeEveryCallAndCleansUpAfterwards) {
    const auto steps = recorded().size();
    bool left_something = false;
    for (std::size_t n = 1; n <= steps; ++n) {
        put(path, old_content);
        FaultyCalls calls;
        calls.stop_at(n);
        ASSERT_FALSE(write(calls)) << n;
        const auto seen = content_of(path);
        EXPECT_TRUE(seen == old_content || seen == new_content) << n << ": " << seen;
        EXPECT_EQ(mode_of(path), 0600U);
        EXPECT_LE(folder.names().size(), 2U);
        left_something = left_something || folder.names().contains(".file.devkeyd-tmp");
        ASSERT_TRUE(write(real)) << n;
        EXPECT_EQ(content_of(path), new_content);
        EXPECT_EQ(folder.names(), Names{"file"}) << n;
    }
    EXPECT_TRUE(left_something) << "this test has lost its teeth";
}

TEST_F(AtomicFile, TellsWhatIsNotPermittedFromWhatTheDiskRefuses) {
    for (const auto& [error, kind] : {std::pair{EACCES, ErrorKind::Forbidden},
                                      {EPERM, ErrorKind::Forbidden},
                                      {EROFS, ErrorKind::Io},
                                      {ENOSPC, ErrorKind::Io},
                                      {EDQUOT, ErrorKind::Io},
                                      {ELOOP, ErrorKind::Insecure}}) {
        FaultyCalls calls;
        calls.fail_at(3, error);
        EXPECT_EQ(write(calls).error().kind, kind) << error;
    }
}

TEST_F(AtomicFile, GoesOnAfterShortAndInterruptedWrites) {
    class Slow : public FileCalls {
     public:
        ssize_t write(int file, const char* data, std::size_t) override {
            interrupt_ = !interrupt_;
            if (!interrupt_) return FileCalls::write(file, data, 1);
            errno = EINTR;
            return -1;
        }

     private:
        bool interrupt_ = false;
    } calls;
    ASSERT_TRUE(write(calls));
    EXPECT_EQ(content_of(path), new_content);
}

TEST_F(AtomicFile, ADiskThatTakesNothingIsAnErrorNotALoop) {
    class Stuck : public FileCalls {
     public:
        ssize_t write(int, const char*, std::size_t) override { return 0; }
    } calls;
    EXPECT_EQ(write(calls).error().kind, ErrorKind::Io);
}

TEST_F(AtomicFile, DoesNotWriteThroughALinkAtItsName) {
    const std::string victim = folder / "victim";
    put(victim, old_content);
    std::filesystem::create_symlink(victim, path);
    ASSERT_TRUE(write(real));
    EXPECT_EQ(content_of(victim), old_content);
    EXPECT_TRUE(S_ISREG(facts_of(path).st_mode));
    EXPECT_EQ(content_of(path), new_content);
}

TEST_F(AtomicFile, DoesNotWriteThroughWhatStandsAtTheTemporaryName) {
    const std::string victim = folder / "victim";
    put(victim, old_content);
    for (const bool hard : {false, true}) {
        if (hard)
            std::filesystem::create_hard_link(victim, temporary);
        else
            std::filesystem::create_symlink(victim, temporary);
        ASSERT_TRUE(write(real));
        EXPECT_EQ(content_of(victim), old_content);
        EXPECT_EQ(content_of(path), new_content);
        EXPECT_EQ(folder.names(), (Names{"file", "victim"}));
    }
}

TEST_F(AtomicFile, DoesNotWriteIntoAHardLinkedFile) {
    put(path, old_content);
    std::filesystem::create_hard_link(path, folder / "other");
    ASSERT_TRUE(write(real));
    EXPECT_EQ(content_of(folder / "other"), old_content);
}

TEST_F(AtomicFile, NamesAFolderThatStandsInTheWay) {
    for (const auto& name : {path, temporary}) {
        std::filesystem::create_directory(name);
        const auto written = write(real);
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().kind, ErrorKind::Io);
        EXPECT_NE(written.error().message.find(name), std::string::npos) << written.error().message;
        EXPECT_TRUE(std::filesystem::is_directory(name));
        std::filesystem::remove(name);
    }
}

TEST_F(AtomicFile, NamesAMissingFolder) {
    const auto written = write_file(folder / "no/file", new_content, ours(), real);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::Io);
    EXPECT_NE(written.error().message.find("create the folder"), std::string::npos);
}

TEST_F(AtomicFile, RefusesAFolderWhereAnyoneMayReplaceFiles) {
    ASSERT_EQ(::chmod(folder.path().c_str(), 0777), 0);
    EXPECT_EQ(write(real).error().kind, ErrorKind::Insecure);
    EXPECT_TRUE(folder.names().empty());
    ASSERT_EQ(::chmod(folder.path().c_str(), 01777), 0);  // as /tmp: nobody can replace another's
    EXPECT_TRUE(write(real));
}

TEST_F(AtomicFile, AReadOnlyFolderIsForbidden) {
    put(path, old_content, 0644);
    ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);
    EXPECT_TRUE(holds_as_nobody([&] {
        const auto written = write_file(path, new_content, ours(), real);
        return !written && written.error().kind == ErrorKind::Forbidden;
    }));
    EXPECT_EQ(content_of(path), old_content);
    ASSERT_EQ(::chmod(folder.path().c_str(), 0700), 0);
}

TEST_F(AtomicFile, AFileTooLargeForTheLimitLeavesTheOld) {
    put(path, old_content);
    struct rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit tight{10, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
    const auto written = write(real);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    static_cast<void>(std::signal(SIGXFSZ, handler));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::Io);
    EXPECT_EQ(content_of(path), old_content);
    EXPECT_EQ(folder.names(), Names{"file"});
}

/// In a child with a mount table of its own. 0: held; 1: didn't hold; 2: may not mount here.
int full_disk_check(const std::string& place) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", place.c_str(), "tmpfs", 0, "size=64k") != 0)
        return 2;
    FileCalls calls;
    const std::string path = place + "/file";
    put(path, old_content);
    std::ofstream{place + "/filler"} << std::string(1 << 20, 'x');
    const auto written = write_file(path, new_content, ours(), calls);
    const bool refused = !written && written.error().kind == ErrorKind::Io;
    const bool clean = !std::filesystem::exists(place + "/.file.devkeyd-tmp");
    std::filesystem::remove(place + "/filler");
    const bool whole = content_of(path) == old_content;
    return refused && clean && whole && write_file(path, new_content, ours(), calls) ? 0 : 1;
}

TEST_F(AtomicFile, AFullDiskLeavesTheOldAndFreedSpaceMendsIt) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(full_disk_check(folder.path()));
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2)
        GTEST_SKIP() << "a tmpfs can't be mounted here; the size-limit test stands in";
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(AtomicFile, AReaderNeverSeesATornOrEmptyFile) {
    const std::string small(100, 'a');
    const std::string large(100'000, 'b');
    ASSERT_TRUE(write_file(path, small, ours(), real));
    std::atomic<bool> done = false;
    std::atomic<int> torn = 0;
    std::atomic<int> reads = 0;
    std::thread reader{[&] {
        while (!done) {
            const auto seen = content_of(path);
            if (seen != small && seen != large) ++torn;
            ++reads;
        }
    }};
    bool all_written = true;
    for (int i = 0; i < 500 || reads < 10; ++i)
        all_written = write_file(path, i % 2 == 0 ? large : small, ours(), real).has_value() && all_written;
    done = true;
    reader.join();
    EXPECT_TRUE(all_written);
    EXPECT_EQ(torn, 0);
}

TEST_F(AtomicFile, RemovesALeftoverAndNothingElse) {
    put(path, old_content);
    put(temporary, "torn");
    put(folder / ".other.devkeyd-tmp", "another's");
    remove_leftover(path, real);
    remove_leftover(path, real);
    EXPECT_EQ(folder.names(), (Names{".other.devkeyd-tmp", "file"}));
}

}  // namespace
}  // namespace devkey::storage
