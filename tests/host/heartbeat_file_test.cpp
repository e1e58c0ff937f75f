#include "host/heartbeat_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakes/temporary_directory.hpp"

namespace devkey::host {
namespace {

using namespace std::chrono_literals;

struct HeartbeatFileTest : testing::Test {
    fakes::TemporaryDirectory directory;
    std::string path = directory.path + "/alive";
};

TEST_F(HeartbeatFileTest, TellsWhenTheFileWasTouched) {
    const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    const timespec times[2] = {{.tv_sec = 5, .tv_nsec = 0},
                               {.tv_sec = 1'800'000'000, .tv_nsec = 250'000'000}};
    ASSERT_EQ(::futimens(file, times), 0);
    ::close(file);
    EXPECT_EQ(*HeartbeatFile{path}.last_beat(), core::Instant{1'800'000'000s + 250ms});
}

TEST_F(HeartbeatFileTest, OfAMissingFileOrFolderThereIsNone) {
    EXPECT_EQ(*HeartbeatFile{path}.last_beat(), std::nullopt);
    EXPECT_EQ(*HeartbeatFile{path + "/deeper"}.last_beat(), std::nullopt);
    EXPECT_EQ(*HeartbeatFile{""}.last_beat(), std::nullopt);
}

TEST_F(HeartbeatFileTest, ThatIsNoRegularFileIsRefusedWithoutOpeningIt) {
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);  // opening it would wait for a writer
    EXPECT_FALSE(HeartbeatFile{path}.last_beat());
    EXPECT_FALSE(HeartbeatFile{directory.path}.last_beat());
}

TEST_F(HeartbeatFileTest, SaysWhyItCannotBeLookedAt) {
    const std::string loop = directory.path + "/loop";
    ASSERT_EQ(::symlink(loop.c_str(), loop.c_str()), 0);
    const auto beat = HeartbeatFile{loop}.last_beat();
    ASSERT_FALSE(beat);
    EXPECT_NE(beat.error().message.find(loop), std::string::npos);
}

}  // namespace
}  // namespace devkey::host
