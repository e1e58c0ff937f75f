#include "storage/credential_file.hpp"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "fakes/temporary_directory.hpp"

namespace devkey::storage {
namespace {

using core::Credential;
using core::CredentialFormat;
using core::CredentialSight;
using fakes::put;
using fakes::TemporaryDirectory;

Credential sample() {
    static const core::Identity identity{"https://keys.example", "app-1", "local-userpass:a@b",
                                         "dev \"$x\" `y` \\z"};
    static const core::Key key{.id = "id1",
                               .name = "devkey-dev-abc234-1-wxyz",
                               .generation = 1,
                               .secret = core::Secret{"s3cret"},
                               .created_at = core::Instant{core::Millis{1767323045678}}};
    return {.identity = identity, .key = key};
}

core::CredentialFileSettings settings_for(const TemporaryDirectory& directory) {
    return {.path = directory.file("credential.json"),
            .format = CredentialFormat::Json,
            .mode = 0600,
            .group = ""};
}

TEST(Render, JsonHoldsEverythingAReaderNeeds) {
    EXPECT_EQ(render(sample(), CredentialFormat::Json).reveal(), R"({
  "version": 1,
  "service": "https://keys.example",
  "app": "app-1",
  "device": "dev \"$x\" `y` \\z",
  "key_id": "id1",
  "key_name": "devkey-dev-abc234-1-wxyz",
  "key": "s3cret",
  "generation": 1,
  "created_at": "2026-01-02T03:04:05.678Z"
}
)");
}

TEST(Render, RawIsTheSecretAlone) {
    EXPECT_EQ(render(sample(), CredentialFormat::Raw).reveal(), "s3cret\n");
}

TEST(Render, EnvIsReadByAShellAsItWasMeant) {
    const TemporaryDirectory directory;
    put(directory.file("env"), std::string(render(sample(), CredentialFormat::Env).reveal()));
    const std::string command =
        ". " + directory.file("env") + R"(; printf '%s|%s' "$DEVKEY_DEVICE" "$DEVKEY_KEY")";
    std::FILE* shell = ::popen(command.c_str(), "r");
    ASSERT_NE(shell, nullptr);
    std::array<char, 256> output{};
    const auto size = std::fread(output.data(), 1, output.size(), shell);
    EXPECT_EQ(::pclose(shell), 0);
    EXPECT_EQ(std::string(output.data(), size), "dev \"$x\" `y` \\z|s3cret");
}

TEST(CredentialFile, IsSeenAsItIs) {
    const TemporaryDirectory directory;
    FileCalls calls;
    auto file = CredentialFile::make(settings_for(directory), calls).value();
    const auto path = directory.file("credential.json");
    EXPECT_EQ(file.look(sample()), CredentialSight::Missing);
    ASSERT_TRUE(file.publish(sample()));
    EXPECT_EQ(file.look(sample()), CredentialSight::Matches);

    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    EXPECT_EQ(file.look(sample()), CredentialSight::Loosened);
    ASSERT_TRUE(file.publish(sample()));
    EXPECT_EQ(file.look(sample()), CredentialSight::Matches);

    put(path, "something else");
    EXPECT_EQ(file.look(sample()), CredentialSight::Altered);
    put(path, std::string(render(sample(), CredentialFormat::Json).reveal()) + "more");
    EXPECT_EQ(file.look(sample()), CredentialSight::Altered);
    ASSERT_EQ(::unlink(path.c_str()), 0);
    ASSERT_EQ(::symlink("/etc/passwd", path.c_str()), 0);
    EXPECT_EQ(file.look(sample()), CredentialSight::Altered);
    ASSERT_TRUE(file.publish(sample()));
    EXPECT_EQ(file.look(sample()), CredentialSight::Matches);
}

TEST(CredentialFile, OfSomebodyElseIsLoosened) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    const TemporaryDirectory directory;
    FileCalls calls;
    auto file = CredentialFile::make(settings_for(directory), calls).value();
    ASSERT_TRUE(file.publish(sample()));
    ASSERT_EQ(::chown(directory.file("credential.json").c_str(), 12345, static_cast<gid_t>(-1)), 0);
    EXPECT_EQ(file.look(sample()), CredentialSight::Loosened);
}

TEST(CredentialFile, LookingChangesNothingButALeftover) {
    const TemporaryDirectory directory;
    FileCalls calls;
    auto file = CredentialFile::make(settings_for(directory), calls).value();
    ASSERT_TRUE(file.publish(sample()));
    const auto path = directory.file("credential.json");
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    put(directory.file(".credential.json.devkeyd-new"), "half a sec");
    struct stat before{};
    struct stat after{};
    ASSERT_EQ(::stat(path.c_str(), &before), 0);
    EXPECT_EQ(file.look(sample()), CredentialSight::Loosened);
    ASSERT_EQ(::stat(path.c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
    EXPECT_EQ(before.st_mode, after.st_mode);
    EXPECT_EQ(before.st_ctim.tv_sec, after.st_ctim.tv_sec);
    EXPECT_EQ(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
    EXPECT_EQ(directory.entries(), 1U);
}

TEST(CredentialFile, HasOurGroupAlsoWhereDirectoriesGiveTheirs) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory to a group it isn't in";
    const TemporaryDirectory directory;
    ASSERT_EQ(::chown(directory.path.c_str(), 0, 12345), 0);
    ASSERT_EQ(::chmod(directory.path.c_str(), 02755), 0);
    FileCalls calls;
    auto file = CredentialFile::make(settings_for(directory), calls).value();
    ASSERT_TRUE(file.publish(sample()));
    struct stat facts{};
    ASSERT_EQ(::stat(directory.file("credential.json").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_gid, ::getegid());
    EXPECT_EQ(file.look(sample()), CredentialSight::Matches);
}

TEST(CredentialFile, GivesTheGroupItIsTold) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file to a group it isn't in";
    const TemporaryDirectory directory;
    FileCalls calls;
    auto settings = settings_for(directory);
    settings.group = "daemon";
    settings.mode = 0640;
    auto file = CredentialFile::make(settings, calls).value();
    ASSERT_TRUE(file.publish(sample()));
    EXPECT_EQ(file.look(sample()), CredentialSight::Matches);
    ASSERT_EQ(::chown(settings.path.c_str(), static_cast<uid_t>(-1), 0), 0);
    EXPECT_EQ(file.look(sample()), CredentialSight::Loosened);
}

TEST(CredentialFile, RefusesAGroupThatTheProcessIsNotIn) {
    constexpr uid_t nobody = 65534;
    const TemporaryDirectory directory;
    const pid_t child = ::fork();
    if (child == 0) {
        // Root may give a file to any group: so become somebody who may not.
        const bool dropped = ::geteuid() != 0 ||
                             (::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0);
        FileCalls calls;
        auto settings = settings_for(directory);
        settings.group = "shadow";
        const auto file = CredentialFile::make(settings, calls);
        ::_exit(dropped && !file && file.error().kind == core::ErrorKind::InvalidInput ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST(CredentialFile, RefusesAGroupThatIsNotThere) {
    const TemporaryDirectory directory;
    FileCalls calls;
    auto settings = settings_for(directory);
    settings.group = "no-such-group";
    const auto file = CredentialFile::make(settings, calls);
    ASSERT_FALSE(file);
    EXPECT_NE(file.error().message.find("no-such-group"), std::string::npos);
}

}  // namespace
}  // namespace devkey::storage
