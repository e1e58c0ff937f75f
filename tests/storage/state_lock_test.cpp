#include "storage/state_lock.hpp"

#include <gtest/gtest.h>
#include <sys/file.h>

#include "storage/as_nobody.hpp"
#include "storage/temporary_folder.hpp"

namespace devkey::storage {
namespace {

using core::ErrorKind;

class StateLockTest : public testing::Test {
 protected:
    TemporaryFolder folder;
    const std::string directory = folder / "state";
};

TEST_F(StateLockTest, MakesTheDirectoryAndTheLockAndNothingElse) {
    const mode_t before = ::umask(0077);
    const auto lock = StateLock::take(directory);
    ::umask(before);
    ASSERT_TRUE(lock) << lock.error().message;
    EXPECT_EQ(mode_of(directory), 0711U);
    EXPECT_EQ(mode_of(directory + "/lock"), 0600U);
    EXPECT_TRUE(std::filesystem::is_empty(directory + "/lock"));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory), {}), 1);
}

TEST_F(StateLockTest, LeavesAGivenDirectoryAsItIs) {
    ASSERT_EQ(::mkdir(directory.c_str(), 0750), 0);
    ASSERT_TRUE(StateLock::take(directory));
    EXPECT_EQ(mode_of(directory), 0750U);
}

TEST_F(StateLockTest, OneAtATimeAndFreeAgainAfterwards) {
    {
        const auto first = StateLock::take(directory);
        ASSERT_TRUE(first);
        const auto second = StateLock::take(directory);
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().kind, ErrorKind::Unavailable);
        EXPECT_NE(second.error().message.find("another devkeyd"), std::string::npos);
        EXPECT_NE(second.error().message.find(directory), std::string::npos);
    }
    EXPECT_TRUE(StateLock::take(directory));
}

TEST_F(StateLockTest, AnotherProcessIsKeptOutAndADeadOneHoldsNothing) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        auto held = StateLock::take(directory);
        ::_exit(held ? 0 : 1);  // without giving it back
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    const auto lock = StateLock::take(directory);
    ASSERT_TRUE(lock);
    const pid_t second = ::fork();
    ASSERT_GE(second, 0);
    if (second == 0) ::_exit(StateLock::take(directory) ? 1 : 0);
    ASSERT_EQ(::waitpid(second, &status, 0), second);
    EXPECT_EQ(status, 0);
}

TEST_F(StateLockTest, MovingItKeepsIt) {
    auto first = StateLock::take(directory);
    ASSERT_TRUE(first);
    const StateLock kept = std::move(*first);
    EXPECT_FALSE(StateLock::take(directory));
}

TEST_F(StateLockTest, NamesAMissingParent) {
    const auto lock = StateLock::take(folder / "no/such");
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().kind, ErrorKind::Io);
    EXPECT_NE(lock.error().message.find("create the folder"), std::string::npos);
}

TEST_F(StateLockTest, RefusesADirectoryWhereOthersMayWrite) {
    for (const mode_t mode : {0770U, 0707U, 01777U}) {
        ASSERT_TRUE(::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST);
        ASSERT_EQ(::chmod(directory.c_str(), mode), 0);
        const auto lock = StateLock::take(directory);
        ASSERT_FALSE(lock);
        EXPECT_EQ(lock.error().kind, ErrorKind::Insecure);
        EXPECT_NE(lock.error().message.find("chmod go-w"), std::string::npos);
    }
    EXPECT_TRUE(std::filesystem::is_empty(directory));
}

TEST_F(StateLockTest, RefusesWhatIsNoDirectoryOfOurs) {
    put(directory, "a file");
    EXPECT_EQ(StateLock::take(directory).error().kind, ErrorKind::Io);
}

TEST_F(StateLockTest, ARootsDirectoryThatWeMayNotWriteIsForbiddenAndAStrangersInsecure) {
    EXPECT_TRUE(holds_as_nobody([] {
        const auto lock = StateLock::take("/usr");
        return !lock && lock.error().kind == ErrorKind::Forbidden;
    }));
    if (::geteuid() != 0) GTEST_SKIP() << "only root can make a stranger's directory";
    ASSERT_EQ(::mkdir(directory.c_str(), 0755), 0);
    ASSERT_EQ(::chown(directory.c_str(), 12345, 12345), 0);
    EXPECT_EQ(StateLock::take(directory).error().kind, ErrorKind::Insecure);
}

TEST_F(StateLockTest, DoesNotFollowALinkAtTheLocksName) {
    ASSERT_EQ(::mkdir(directory.c_str(), 0700), 0);
    std::filesystem::create_symlink(folder / "victim", directory + "/lock");
    EXPECT_EQ(StateLock::take(directory).error().kind, ErrorKind::Insecure);
    EXPECT_FALSE(std::filesystem::exists(folder / "victim"));
    std::filesystem::remove(directory + "/lock");
    ASSERT_EQ(::mkfifo((directory + "/lock").c_str(), 0600), 0);
    EXPECT_EQ(StateLock::take(directory).error().kind, ErrorKind::Insecure);
}

}  // namespace
}  // namespace devkey::storage
