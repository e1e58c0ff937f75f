#include "host/owner_secret.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "fakes/temporary_directory.hpp"

namespace devkey::host {
namespace {

using core::ErrorKind;

class OwnerSecretTest : public testing::Test {
 protected:
    static core::Result<core::Secret> read(core::SecretSource source, const std::string& credentials = "") {
        return make_owner_secret(std::move(source), credentials, -1)->read();
    }
    core::Result<core::Secret> read_file_of_mode(mode_t mode) const {
        return read(core::FromFile{directory_.write("secret", "s3cret\n", mode)});
    }
    static void expect_error(const core::Result<core::Secret>& secret, ErrorKind kind,
                             const std::string& part) {
        ASSERT_FALSE(secret);
        EXPECT_EQ(secret.error().kind, kind);
        EXPECT_NE(secret.error().message.find(part), std::string::npos) << secret.error().message;
        EXPECT_EQ(secret.error().message.find("s3cret"), std::string::npos);
    }

    fakes::TemporaryDirectory directory_;
};

TEST_F(OwnerSecretTest, IsReadFromAFileWithoutOneNewline) {
    EXPECT_EQ(read_file_of_mode(0600).value().reveal(), "s3cret");
    EXPECT_EQ(read(core::FromFile{directory_.write("two", "a\n\n")}).value().reveal(), "a\n");
}

TEST_F(OwnerSecretTest, MayBeReadableForAGroupButForNobodyElse) {
    EXPECT_TRUE(read_file_of_mode(0400));
    EXPECT_TRUE(read_file_of_mode(0440));
    expect_error(read_file_of_mode(0644), ErrorKind::Insecure, "chmod");
    expect_error(read_file_of_mode(0604), ErrorKind::Insecure, "lets others read");
    expect_error(read_file_of_mode(0620), ErrorKind::Insecure, "lets others change");
    expect_error(read_file_of_mode(0602), ErrorKind::Insecure, "lets others change");
}

TEST_F(OwnerSecretTest, IsNotReadFromSomebodyElsesFile) {
    const std::string path = directory_.write("secret", "s3cret");
    if (::chown(path.c_str(), 12345, static_cast<gid_t>(-1)) != 0)
        GTEST_SKIP() << "only root gives files away";
    expect_error(read(core::FromFile{path}), ErrorKind::Insecure, "chown");
}

TEST_F(OwnerSecretTest, IsReadFromRegularFilesOnly) {
    const std::string fifo = directory_.file("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    expect_error(read(core::FromFile{fifo}), ErrorKind::InvalidInput, "regular file");
    expect_error(read(core::FromFile{directory_.path}), ErrorKind::InvalidInput, "regular file");
    expect_error(read(core::FromFile{directory_.file("none")}), ErrorKind::NotFound, directory_.file("none"));
}

TEST_F(OwnerSecretTest, IsNeitherEmptyNorHuge) {
    expect_error(read(core::FromFile{directory_.write("a", "")}), ErrorKind::InvalidInput, "empty");
    expect_error(read(core::FromFile{directory_.write("b", "\n")}), ErrorKind::InvalidInput, "empty");
    expect_error(read(core::FromFile{directory_.write("c", std::string(65537, 'x'))}),
                 ErrorKind::InvalidInput, "64 KiB");
    EXPECT_TRUE(read(core::FromFile{directory_.write("d", std::string(65536, 'x'))}));
}

TEST_F(OwnerSecretTest, IsReadAnewEachTime) {
    const auto secret = make_owner_secret(core::FromFile{directory_.write("secret", "old")}, "", -1);
    EXPECT_EQ(secret->read().value().reveal(), "old");
    directory_.write("secret", "new");
    EXPECT_EQ(secret->read().value().reveal(), "new");
}

TEST_F(OwnerSecretTest, IsReadFromSystemdsCredentials) {
    directory_.write("owner-secret", "s3cret", 0400);
    EXPECT_EQ(read(core::FromCredential{"owner-secret"}, directory_.path).value().reveal(), "s3cret");
    expect_error(read(core::FromCredential{"owner-secret"}), ErrorKind::NotFound, "LoadCredential=");
}

TEST_F(OwnerSecretTest, IsReadFromACommand) {
    EXPECT_EQ(read(core::FromCommand{{"/bin/echo", "from-command"}}).value().reveal(), "from-command");
}

TEST(PathOf, NamesTheFileToWatch) {
    EXPECT_EQ(path_of(core::FromFile{"/a/b"}, ""), "/a/b");
    EXPECT_EQ(path_of(core::FromCredential{"n"}, "/run/c"), "/run/c/n");
    EXPECT_EQ(path_of(core::FromCredential{"n"}, ""), std::nullopt);
    EXPECT_EQ(path_of(core::FromCommand{}, "/run/c"), std::nullopt);
}

}  // namespace
}  // namespace devkey::host
