#include "storage/read_file.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "storage/as_nobody.hpp"
#include "storage/faulty_calls.hpp"
#include "storage/temporary_folder.hpp"

namespace devkey::storage {
namespace {

using core::ErrorKind;

class ReadFile : public testing::Test {
 protected:
    TemporaryFolder folder;
    const std::string path = folder / "file";
    FileCalls real;
};

TEST_F(ReadFile, TellsContentAndFactsOfTheOpenedFile) {
    put(path, std::string("a\0b", 3), 0640);
    const auto file = open_file(path, real);
    ASSERT_TRUE(file);
    std::filesystem::remove(path);  // what was opened stays what is judged and read
    EXPECT_EQ(file->mode, 0640U);
    EXPECT_EQ(file->owner, ::geteuid());
    EXPECT_EQ(file->group, ::getegid());
    EXPECT_EQ(read_all(*file, 100, real).value().reveal(), std::string_view("a\0b", 3));
}

TEST_F(ReadFile, MissingIsNotFound) {
    EXPECT_EQ(open_file(path, real).error().kind, ErrorKind::NotFound);
}

TEST_F(ReadFile, TheCapIsExact) {
    put(path, std::string(100, 'x'));
    const auto file = open_file(path, real);
    EXPECT_EQ(read_all(*file, 100, real).value().reveal().size(), 100U);
    const auto again = open_file(path, real);
    EXPECT_EQ(read_all(*again, 99, real).error().kind, ErrorKind::Corrupt);
}

TEST_F(ReadFile, RefusesWhatIsNoRegularFileWithoutWaiting) {
    put(folder / "target", "x");
    std::filesystem::create_symlink(folder / "target", folder / "link");
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder / "socket").copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(listener, reinterpret_cast<struct sockaddr*>(&address), sizeof address), 0);
    for (const auto& name : {folder.path(), folder / "link", folder / "pipe", folder / "socket"}) {
        const auto file = open_file(name, real);
        ASSERT_FALSE(file) << name;
        EXPECT_EQ(file.error().kind, ErrorKind::Insecure) << name;
        EXPECT_NE(file.error().message.find(name), std::string::npos);
    }
    ::close(listener);
}

TEST_F(ReadFile, WhatMayNotBeReadIsForbidden) {
    put(path, "x", 0000);
    ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
    EXPECT_TRUE(holds_as_nobody([&] {
        const auto file = open_file(path, real);
        return !file && file.error().kind == ErrorKind::Forbidden;
    }));
}

TEST_F(ReadFile, AFailingDiskIsIo) {
    put(path, "content");
    for (std::size_t n = 1; n <= 3; ++n) {
        FaultyCalls calls;
        calls.fail_at(n, EIO);
        const auto file = open_file(path, calls);
        const auto kind = file ? read_all(*file, 100, calls).error().kind : file.error().kind;
        EXPECT_EQ(kind, ErrorKind::Io) << n;
    }
}

TEST_F(ReadFile, GoesOnAfterAnInterruption) {
    put(path, "content");
    FaultyCalls calls;
    calls.fail_at(3, EINTR);
    const auto file = open_file(path, calls);
    EXPECT_EQ(read_all(*file, 100, calls).value().reveal(), "content");
}

}  // namespace
}  // namespace devkey::storage
