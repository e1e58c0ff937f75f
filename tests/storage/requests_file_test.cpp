#include "storage/requests_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "fakes/temporary_directory.hpp"

namespace devkey::storage {
namespace {

using core::ErrorKind;
using core::Request;
using fakes::content_of;
using fakes::put;
using fakes::TemporaryDirectory;

struct RequestsFile : testing::Test {
    TemporaryDirectory directory;
    FileCalls calls;
    std::string file = requests_path(directory.path);
};

TEST_F(RequestsFile, HoldsEachRequestUntilItIsForgotten) {
    EXPECT_EQ(load_request(directory.path), Request::None);
    for (const auto request : {Request::Decommission, Request::Recommission, Request::TakeOver}) {
        ASSERT_TRUE(save_request(calls, directory.path, request));
        EXPECT_EQ(load_request(directory.path), request);
    }
    EXPECT_EQ(content_of(file), "{\"version\": 1, \"request\": \"take-over\"}\n");
    ASSERT_TRUE(forget_request(calls, directory.path));
    EXPECT_EQ(load_request(directory.path), Request::None);
    EXPECT_TRUE(forget_request(calls, directory.path));
}

TEST_F(RequestsFile, IsRefusedWithThePlaceAndTheRemedyWhereItIsWrong) {
    for (const char* text : {"", "{", "[]", "{}", R"({"version": 2, "request": "decommission"})",
                             R"({"version": 1, "request": "explode"})", R"({"version": 1})",
                             R"({"version": 1, "request": "take-over", "force": true})",
                             R"({"version": 1, "request": "take-over", "request": "decommission"})"}) {
        put(file, text);
        const auto loaded = load_request(directory.path);
        ASSERT_FALSE(loaded) << text;
        EXPECT_EQ(loaded.error().kind, ErrorKind::Corrupt) << text;
        EXPECT_TRUE(loaded.error().message.starts_with(file)) << loaded.error().message;
        EXPECT_NE(loaded.error().message.find("remove it"), std::string::npos) << loaded.error().message;
    }
}

TEST_F(RequestsFile, IsRefusedWithTheRemedyWhereItCantBeRead) {
    put(file, std::string(5000, ' '));
    const auto too_long = load_request(directory.path);
    ASSERT_FALSE(too_long);
    EXPECT_NE(too_long.error().message.find("remove it"), std::string::npos) << too_long.error().message;
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    const auto folder = load_request(directory.path);
    ASSERT_FALSE(folder);
    EXPECT_TRUE(folder.error().message.starts_with(file)) << folder.error().message;
    EXPECT_NE(folder.error().message.find("remove it"), std::string::npos) << folder.error().message;
}

TEST_F(RequestsFile, IsNotReadWhereOthersMayWriteIt) {
    ASSERT_TRUE(save_request(calls, directory.path, Request::Decommission));
    ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
    const auto loaded = load_request(directory.path);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::Insecure);
}

TEST_F(RequestsFile, IsReadOnlyWhereItIsOurs) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    ASSERT_TRUE(save_request(calls, directory.path, Request::Decommission));
    ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);
    const auto loaded = load_request(directory.path);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::Insecure);
}

}  // namespace
}  // namespace devkey::storage
