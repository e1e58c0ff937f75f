#include "storage/credential_file.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "storage/as_nobody.hpp"
#include "storage/credential_text.hpp"
#include "storage/faulty_calls.hpp"
#include "storage/temporary_folder.hpp"

namespace devkey::storage {
namespace {

using namespace std::chrono_literals;
using core::Credential;
using core::CredentialFormat;
using core::CredentialSight;
using core::ErrorKind;

Credential credential(std::string_view secret = "S3cret") {
    return {.identity = {"https://keys.example.com", "devices", "local-userpass:me", "site-7"},
            .key = {.id = "65a1",
                    .name = "devkey-site7-abcde-1-fghij",
                    .generation = 1,
                    .secret = core::Secret{secret},
                    .created_at = core::Instant{1767323045678ms}}};
}

TEST(CredentialText, Json) {
    EXPECT_EQ(render(credential(), CredentialFormat::Json).reveal(), R"({
  "version" : 1,
  "service" : "https://keys.example.com",
  "app" : "devices",
  "device" : "site-7",
  "key_id" : "65a1",
  "key_name" : "devkey-site7-abcde-1-fghij",
  "key" : "S3cret",
  "generation" : 1,
  "created_at" : "2026-01-02T03:04:05.678Z"
}
)");
}

TEST(CredentialText, Env) {
    EXPECT_EQ(render(credential(), CredentialFormat::Env).reveal(),
              "DEVKEY_SERVICE='https://keys.example.com'\n"
              "DEVKEY_APP='devices'\n"
              "DEVKEY_DEVICE='site-7'\n"
              "DEVKEY_KEY_ID='65a1'\n"
              "DEVKEY_KEY_NAME='devkey-site7-abcde-1-fghij'\n"
              "DEVKEY_KEY='S3cret'\n"
              "DEVKEY_GENERATION='1'\n"
              "DEVKEY_CREATED_AT='2026-01-02T03:04:05.678Z'\n");
}

TEST(CredentialText, Raw) {
    EXPECT_EQ(render(credential(), CredentialFormat::Raw).reveal(), "S3cret\n");
}

TEST(CredentialText, HasRoomForTheWorst) {
    const std::string worst(10'000, '\x01');
    EXPECT_GT(render(credential(worst), CredentialFormat::Json).reveal().size(), 60'000U);
    EXPECT_GT(render(credential(std::string(10'000, '\'')), CredentialFormat::Env).reveal().size(), 10'000U);
}

/// What a POSIX shell makes of DEVKEY_KEY in this file.
std::string read_by_shell(const std::string& path) {
    const std::string command = fmt::format(". {} && printf %s \"$DEVKEY_KEY\"", path);
    FILE* pipe = ::popen(command.c_str(), "r");
    std::array<char, 256> buffer{};
    const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe);
    ::pclose(pipe);
    return {buffer.data(), size};
}

class CredentialFileTest : public testing::Test {
 protected:
    [[nodiscard]] CredentialFile file(CredentialFormat format = CredentialFormat::Json,
                                      unsigned mode = 0600) {
        return CredentialFile::make({.path = path, .format = format, .mode = mode, .group = ""}, real)
            .value();
    }
    [[nodiscard]] CredentialSight sight() { return file().look(credential()).value(); }

    TemporaryFolder folder;
    const std::string path = folder / "credential";
    FileCalls real;
};

TEST_F(CredentialFileTest, AShellReadsEveryValueUnchanged) {
    for (const std::string secret : {"plain", "with 'quotes'", "$HOME `id` $(id)", "it's $HOME `id` \\ \" !",
                                     "'\\''", "\\", "a\nb", "'\n$x", "ünï", "# no comment", " spaces "}) {
        ASSERT_TRUE(file(CredentialFormat::Env).publish(credential(secret)));
        EXPECT_EQ(read_by_shell(path), secret);
    }
}

TEST_F(CredentialFileTest, WhatWasPublishedMatches) {
    for (const auto format : {CredentialFormat::Json, CredentialFormat::Env, CredentialFormat::Raw}) {
        for (const unsigned mode : {0600U, 0640U, 0440U, 0400U}) {
            auto sink = file(format, mode);
            ASSERT_TRUE(sink.publish(credential()));
            EXPECT_EQ(sink.look(credential()).value(), CredentialSight::Matches);
            EXPECT_EQ(mode_of(path), mode);
        }
    }
}

TEST_F(CredentialFileTest, LookingChangesNothing) {
    ASSERT_TRUE(file().publish(credential()));
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    const auto before = facts_of(path);
    EXPECT_EQ(sight(), CredentialSight::Loosened);
    const auto after = facts_of(path);
    EXPECT_EQ(before.st_ino, after.st_ino);
    EXPECT_EQ(before.st_mode, after.st_mode);
    EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    EXPECT_EQ(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
}

TEST_F(CredentialFileTest, SeesWhatIsMissingAlteredOrLoosened) {
    EXPECT_EQ(sight(), CredentialSight::Missing);
    ASSERT_TRUE(file().publish(credential()));
    EXPECT_EQ(file().look(credential("other!")).value(), CredentialSight::Altered);
    for (const mode_t mode : {0644U, 0400U, 0640U, 04600U}) {
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
        EXPECT_EQ(sight(), CredentialSight::Loosened) << mode;
    }
    const auto whole = content_of(path);
    for (const auto& content : {std::string{}, whole.substr(1), whole + "\n", std::string(1 << 20, 'x')}) {
        put(path, content);
        EXPECT_EQ(sight(), CredentialSight::Altered);
    }
}

TEST_F(CredentialFileTest, WhatIsNoRegularFileIsAlteredAndPublishMendsIt) {
    const std::string target = folder / "target";
    ASSERT_TRUE(file().publish(credential()));
    std::filesystem::rename(path, target);
    std::filesystem::create_symlink(target, path);
    EXPECT_EQ(sight(), CredentialSight::Altered);
    ASSERT_TRUE(file().publish(credential("new")));
    EXPECT_NE(content_of(target).find("S3cret"), std::string::npos) << "the link was followed";
    EXPECT_EQ(file().look(credential("new")).value(), CredentialSight::Matches);
    std::filesystem::remove(path);
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_EQ(sight(), CredentialSight::Altered);
    ASSERT_TRUE(file().publish(credential()));
    EXPECT_EQ(sight(), CredentialSight::Matches);
}

TEST_F(CredentialFileTest, WhatWeMayNotReadIsAltered) {
    put(path, "x", 0000);
    ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
    EXPECT_TRUE(holds_as_nobody([&] { return sight() == CredentialSight::Altered; }));
}

TEST_F(CredentialFileTest, AFailingDiskIsNeitherMissingNorAltered) {
    ASSERT_TRUE(file().publish(credential()));
    for (std::size_t n = 2; n <= 4; ++n) {  // 1 removes a leftover
        FaultyCalls calls;
        calls.fail_at(n, EIO);
        auto sink = CredentialFile::make({.path = path, .group = ""}, calls);
        EXPECT_EQ(sink->look(credential()).error().kind, ErrorKind::Io) << n;
    }
}

TEST_F(CredentialFileTest, AFailedPublishLeavesTheOldCredential) {
    ASSERT_TRUE(file().publish(credential()));
    for (std::size_t n = 1; n <= 8; ++n) {
        FaultyCalls calls;
        calls.fail_at(n, ENOSPC);
        auto sink = CredentialFile::make({.path = path, .group = ""}, calls);
        EXPECT_FALSE(sink->publish(credential("new"))) << n;
        EXPECT_EQ(sight(), CredentialSight::Matches) << n;
    }
}

TEST_F(CredentialFileTest, LookRemovesWhatACrashLeft) {
    ASSERT_TRUE(file().publish(credential()));
    put(folder / ".credential.devkeyd-tmp", "half a sec");
    EXPECT_EQ(sight(), CredentialSight::Matches);
    EXPECT_EQ(folder.names(), std::set<std::string>{"credential"});
}

TEST_F(CredentialFileTest, AnUnknownGroupIsRefusedWithTheRemedy) {
    const auto made = CredentialFile::make({.path = path, .group = "no-such-group"}, real);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, ErrorKind::InvalidInput);
    EXPECT_NE(made.error().message.find("groupadd"), std::string::npos) << made.error().message;
}

TEST_F(CredentialFileTest, AGroupThatIsNotOursIsRefusedWithTheRemedy) {
    EXPECT_TRUE(holds_as_nobody([&] {
        const auto made = CredentialFile::make({.path = path, .group = "shadow"}, real);
        return !made && made.error().kind == ErrorKind::InvalidInput &&
               made.error().message.find("SupplementaryGroups=shadow") != std::string::npos;
    }));
}

TEST_F(CredentialFileTest, GivesTheFileToTheGroupFromBirth) {
    const struct group* group = ::getgrgid(::getegid());
    std::string name = group == nullptr ? "" : group->gr_name;
    if (::geteuid() == 0) name = "shadow";  // root may give it to anyone
    const gid_t wanted = name.empty() ? ::getegid() : ::getgrnam(name.c_str())->gr_gid;
    FaultyCalls calls;
    gid_t at_birth = static_cast<gid_t>(-1);
    calls.before_write = [&](int descriptor) {
        struct stat facts{};
        ASSERT_EQ(::fstat(descriptor, &facts), 0);
        at_birth = facts.st_gid;
    };
    auto sink = CredentialFile::make({.path = path, .mode = 0640, .group = name}, calls);
    ASSERT_TRUE(sink) << sink.error().message;
    ASSERT_TRUE(sink->publish(credential()));
    EXPECT_EQ(at_birth, wanted);
    EXPECT_EQ(facts_of(path).st_gid, wanted);
    EXPECT_EQ(sink->look(credential()).value(), CredentialSight::Matches);
    if (::geteuid() != 0) return;
    ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
    EXPECT_EQ(sink->look(credential()).value(), CredentialSight::Loosened);
    ASSERT_EQ(::chown(path.c_str(), 12345, wanted), 0);
    EXPECT_EQ(sink->look(credential()).value(), CredentialSight::Loosened);
}

}  // namespace
}  // namespace devkey::storage
