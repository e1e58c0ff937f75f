#include "storage/state_lock.hpp"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakes/temporary_directory.hpp"

namespace devkey::storage {
namespace {

using core::ErrorKind;
using fakes::TemporaryDirectory;

TEST(StateLock, IsHeldByOneAtATime) {
    const TemporaryDirectory directory;
    const auto path = directory.file("state");
    {
        const auto first = StateLock::take(path);
        ASSERT_TRUE(first) << first.error().message;
        const auto second = StateLock::take(path);
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().kind, ErrorKind::Unavailable);
    }
    EXPECT_TRUE(StateLock::take(path));
    struct stat facts{};
    ASSERT_EQ(::stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0711U);
}

TEST(StateLock, IsLetGoByADeadProcessAndKeepsAnotherOut) {
    const TemporaryDirectory directory;
    int status = 0;
    const pid_t dying = ::fork();
    if (dying == 0) {
        const auto held = StateLock::take(directory.path);
        ::_exit(held ? 0 : 1);  // without giving it back
    }
    ASSERT_EQ(::waitpid(dying, &status, 0), dying);
    ASSERT_EQ(status, 0);
    const auto lock = StateLock::take(directory.path);
    ASSERT_TRUE(lock);
    const pid_t second = ::fork();
    if (second == 0) ::_exit(StateLock::take(directory.path) ? 1 : 0);
    ASSERT_EQ(::waitpid(second, &status, 0), second);
    EXPECT_EQ(status, 0);
}

TEST(StateLock, OfAServicesDirectoryIsRefusedWithTheUserToRunItAs) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
    const TemporaryDirectory directory;
    const auto refused = [&](uid_t owner) {
        EXPECT_EQ(::chown(directory.path.c_str(), owner, static_cast<gid_t>(-1)), 0);
        const auto lock = StateLock::take(directory.path);
        EXPECT_EQ(lock.error().kind, ErrorKind::Insecure);
        EXPECT_EQ(StateLock::check(directory.path).error().message, lock.error().message);
        return lock.error().message;
    };
    const passwd* user = ::getpwnam("nobody");
    ASSERT_NE(user, nullptr);
    const auto of_a_service = refused(user->pw_uid);
    EXPECT_TRUE(of_a_service.contains("belongs to nobody (uid ")) << of_a_service;
    EXPECT_TRUE(of_a_service.contains("runs as root (uid 0)")) << of_a_service;
    EXPECT_TRUE(of_a_service.ends_with("run it as that user: runuser -u nobody -- devkeyd ..."))
        << of_a_service;
    EXPECT_FALSE(of_a_service.contains("chown")) << of_a_service;
    const auto of_nobody_known = refused(4242424);
    EXPECT_TRUE(of_nobody_known.contains("belongs to uid 4242424")) << of_nobody_known;
    EXPECT_TRUE(of_nobody_known.contains("chown it to the user that runs devkeyd")) << of_nobody_known;
}

TEST(StateLock, MakesItsDirectoryWhateverTheUmaskAndNothingElse) {
    const TemporaryDirectory directory;
    const auto before = ::umask(0077);
    const auto lock = StateLock::take(directory.file("state"));
    ::umask(before);
    ASSERT_TRUE(lock);
    struct stat facts{};
    ASSERT_EQ(::stat(directory.file("state").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0711U);
    ASSERT_EQ(::stat(directory.file("state/lock").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0600U);
}

TEST(StateLock, DoesNotFollowALinkAtItsName) {
    const TemporaryDirectory directory;
    ASSERT_EQ(::symlink("victim", directory.file("lock").c_str()), 0);
    EXPECT_FALSE(StateLock::take(directory.path));
    EXPECT_EQ(directory.entries(), 1U);
}

TEST(StateLock, RefusesADirectoryThatOthersMayWriteTo) {
    const TemporaryDirectory directory;
    ASSERT_EQ(::chmod(directory.path.c_str(), 0777), 0);
    EXPECT_EQ(StateLock::take(directory.path).error().kind, ErrorKind::Insecure);
    EXPECT_EQ(StateLock::take("/nonexistent/state").error().kind, ErrorKind::NotFound);
}

TEST(StateLock, RefusesADirectoryOfSomebodyElse) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
    const TemporaryDirectory directory;
    ASSERT_EQ(::chown(directory.path.c_str(), 12345, static_cast<gid_t>(-1)), 0);
    EXPECT_EQ(StateLock::take(directory.path).error().kind, ErrorKind::Insecure);
    EXPECT_EQ(directory.entries(), 0U);
}

}  // namespace
}  // namespace devkey::storage
