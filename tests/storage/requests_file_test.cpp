#include "storage/requests_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "fakes/temporary_directory.hpp"
#include "storage/descriptor.hpp"

namespace devkey::storage {
namespace {

using core::Asking;
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
    EXPECT_EQ(load_request(directory.path), Asking{});
    for (const auto request : {Request::Decommission, Request::Recommission, Request::TakeOver}) {
        ASSERT_TRUE(save_request(calls, directory.path, {request, "abc234"}));
        EXPECT_EQ(load_request(directory.path), (Asking{request, "abc234"}));
    }
    EXPECT_EQ(content_of(file), "{\"version\":1,\"request\":\"take-over\",\"id\":\"abc234\"}\n");
    ASSERT_TRUE(forget_request(calls, directory.path, {Request::TakeOver, "abc234"}));
    EXPECT_EQ(load_request(directory.path), Asking{});
    EXPECT_TRUE(forget_request(calls, directory.path, {Request::TakeOver, "abc234"}));
}

TEST_F(RequestsFile, HoldsAllThatARotationIsAskedFor) {
    const Asking asking{.request = Request::Rotate,
                        .id = "abc234",
                        .generation = 7,
                        .compromised = true,
                        .why = "a laptop with \"the key\" was lost",
                        .by = "uid 0"};
    ASSERT_TRUE(save_request(calls, directory.path, asking));
    EXPECT_EQ(load_request(directory.path), asking);
    put(file, R"({"version": 1, "request": "rotate", "id": "a"})");
    EXPECT_EQ(load_request(directory.path).error().kind, ErrorKind::Corrupt);
    put(file, R"({"version": 1, "request": "take-over", "id": "a", "generation": 3, "compromised": false})");
    EXPECT_EQ(load_request(directory.path).error().kind, ErrorKind::Corrupt);
}

TEST_F(RequestsFile, HoldsWhatIsAskedAboutTheKeyAndAPausesEnd) {
    const core::Instant until{core::Millis{90'000}};
    for (const Asking& asking :
         {Asking{.request = Request::Rollback, .id = "a", .generation = 7},
          Asking{.request = Request::Disable, .id = "a", .generation = 7},
          Asking{.request = Request::Enable, .id = "a", .generation = 7},
          Asking{.request = Request::Acknowledge, .id = "a", .generation = 7},
          Asking{.request = Request::Pause, .id = "a", .until = until},
          Asking{.request = Request::Pause, .id = "a"}, Asking{.request = Request::Resume, .id = "a"}}) {
        ASSERT_TRUE(save_request(calls, directory.path, asking));
        EXPECT_EQ(load_request(directory.path), asking) << core::name_of(asking.request);
    }
    put(file, R"({"version": 1, "request": "resume", "id": "a", "until": "2026-01-01T00:00:00.000Z"})");
    EXPECT_EQ(load_request(directory.path).error().kind, ErrorKind::Corrupt);
}

TEST_F(RequestsFile, WithoutAnIdIsReadAndForgottenToo) {
    put(file, "{\"version\": 1, \"request\": \"decommission\"}\n");
    EXPECT_EQ(load_request(directory.path), (Asking{Request::Decommission, ""}));
    ASSERT_TRUE(forget_request(calls, directory.path, {Request::Decommission, ""}));
    EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(RequestsFile, KeepsARequestThatTookThePlaceOfTheOneThatIsDone) {
    for (const Asking& other : {Asking{Request::Recommission, "a"}, Asking{Request::Decommission, "b"}}) {
        ASSERT_TRUE(save_request(calls, directory.path, other));
        EXPECT_TRUE(forget_request(calls, directory.path, {Request::Decommission, "a"}));
        EXPECT_EQ(load_request(directory.path), other);
    }
}

/// Looks, when the file is replaced or removed, whether another could do so in between.
struct SeesWhetherItIsAlone : FileCalls {
    explicit SeesWhetherItIsAlone(std::string of) : directory(std::move(of)) {}
    int rename(int opened, const char* from, const char* to) override {
        look();
        return FileCalls::rename(opened, from, to);
    }
    int unlink(int opened, const char* name) override {
        look();
        return FileCalls::unlink(opened, name);
    }
    void look() {
        const Descriptor other{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        ++looks;
        alone = alone && ::flock(other.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    }
    std::string directory;
    int looks = 0;
    bool alone = true;
};

TEST_F(RequestsFile, IsNeverRemovedWhileSomebodyWritesAnother) {
    SeesWhetherItIsAlone seeing{directory.path};
    ASSERT_TRUE(save_request(seeing, directory.path, {Request::Decommission, "a"}));
    ASSERT_TRUE(forget_request(seeing, directory.path, {Request::Decommission, "a"}));
    EXPECT_EQ(seeing.looks, 2);
    EXPECT_TRUE(seeing.alone);
    EXPECT_TRUE(save_request(calls, directory.path, {Request::Recommission, "b"}));  // it has let go
}

TEST_F(RequestsFile, IsNotForgottenWhileSomebodyWritesAndNobodyWaits) {
    ASSERT_TRUE(save_request(calls, directory.path, {Request::Decommission, "a"}));
    const Descriptor writer{::open(directory.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    ASSERT_EQ(::flock(writer.get(), LOCK_EX), 0);
    const auto forgotten = forget_request(calls, directory.path, {Request::Decommission, "a"});
    ASSERT_FALSE(forgotten);
    EXPECT_EQ(forgotten.error().kind, ErrorKind::Unavailable);
    EXPECT_EQ(load_request(directory.path), (Asking{Request::Decommission, "a"}));
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
    ASSERT_TRUE(save_request(calls, directory.path, {Request::Decommission, "a"}));
    ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
    const auto loaded = load_request(directory.path);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::Insecure);
}

TEST_F(RequestsFile, IsReadOnlyWhereItIsOurs) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    ASSERT_TRUE(save_request(calls, directory.path, {Request::Decommission, "a"}));
    ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);
    const auto loaded = load_request(directory.path);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::Insecure);
}

}  // namespace
}  // namespace devkey::storage
