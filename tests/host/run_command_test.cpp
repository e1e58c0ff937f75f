#include "host/run_command.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>

#include "fakes/temporary_directory.hpp"
#include "host/readable.hpp"
#include "host/wake.hpp"

namespace devkey::host {
namespace {

using core::ErrorKind;
using namespace std::chrono_literals;

core::FromCommand shell(std::string script, core::Millis timeout = 60s) {
    return {{"/bin/sh", "-c", std::move(script)}, timeout};
}

std::string output_of(const core::FromCommand& command) {
    const auto output = run_command(command, -1);
    return output ? std::string(output->reveal()) : "error: " + output.error().message;
}

ErrorKind kind_of(const core::FromCommand& command, int stop = -1) {
    const auto output = run_command(command, stop);
    EXPECT_FALSE(output);
    return output ? ErrorKind::Conflict : output.error().kind;
}

TEST(RunCommand, AnswersWhatIsPrintedWithoutOneNewline) {
    EXPECT_EQ(output_of(shell("echo s3cret")), "s3cret");
    EXPECT_EQ(output_of(shell("printf 'a\\n\\n'")), "a\n");
    EXPECT_EQ(output_of({{"/bin/echo", "$HOME; *"}}), "$HOME; *");
}

TEST(RunCommand, GivesItNothingOfOurs) {
    ASSERT_EQ(::setenv("DEVKEY_TEST_SECRET", "x", 1), 0);
    EXPECT_EQ(output_of({{"/usr/bin/env"}}),
              "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nLANG=C.UTF-8");
    EXPECT_EQ(output_of(shell("cat; readlink /proc/$$/fd/0 /proc/$$/fd/2")), "/dev/null\n/dev/null");
    EXPECT_EQ(output_of({{"/bin/ls", "/proc/self/fd"}}), "0\n1\n2\n3");  // 3: the directory it lists
}

TEST(RunCommand, UnblocksTheSignalsWeBlock) {
    sigset_t ours;
    sigset_t before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &ours, &before), 0);
    EXPECT_EQ(output_of(shell("grep SigBlk /proc/self/status")), "SigBlk:\t0000000000000000");
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(RunCommand, NamesWhatWentWrong) {
    EXPECT_EQ(kind_of({{}}), ErrorKind::InvalidInput);
    EXPECT_EQ(kind_of({{"echo", "x"}}), ErrorKind::InvalidInput);
    EXPECT_EQ(kind_of({{"/nowhere/at/all"}}), ErrorKind::NotFound);
    EXPECT_EQ(kind_of({{"/etc/passwd"}}), ErrorKind::Insecure);
    EXPECT_EQ(kind_of(shell("echo x; exit 3")), ErrorKind::Unavailable);
    EXPECT_EQ(kind_of(shell("echo x; kill -9 $$")), ErrorKind::Unavailable);
    EXPECT_EQ(kind_of(shell("exit 0")), ErrorKind::InvalidInput);
    EXPECT_EQ(kind_of(shell("echo")), ErrorKind::InvalidInput);
}

// Without a wait status, and without descriptors: what can't be known is an error, never an output.
TEST(RunCommand, IsNeverTakenForSuccessfulWithoutItsStatus) {
    const auto before = ::signal(SIGCHLD, SIG_IGN);
    const auto output = run_command(shell("echo wrong; exit 3"), -1);
    ASSERT_NE(::signal(SIGCHLD, before), SIG_ERR);
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error().kind, ErrorKind::Io);
}

TEST(RunCommand, AnswersWhenTheSystemHasNoDescriptorLeft) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    for (rlim_t left = 0; left < 32; ++left) {
        const rlimit few{left, before.rlim_max};
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
        const auto output = run_command({{"/bin/echo", "fine"}, 60s}, -1);
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
        if (output) {
            EXPECT_EQ(output->reveal(), "fine");
        } else {  // Unavailable: the program had none
            EXPECT_TRUE(output.error().kind == ErrorKind::Io ||
                        output.error().kind == ErrorKind::Unavailable);
        }
    }
}

TEST(RunCommand, TakesAtMost64KiB) {
    EXPECT_EQ(output_of(shell("head -c 65536 /dev/zero | tr '\\0' x")).size(), 65536U);
    EXPECT_EQ(kind_of(shell("head -c 65537 /dev/zero | tr '\\0' x")), ErrorKind::InvalidInput);
    EXPECT_EQ(kind_of({{"/usr/bin/yes"}, 60s}), ErrorKind::InvalidInput);
}

TEST(RunCommand, NeverShowsTheOutputInAnError) {
    const auto output = run_command(shell("echo s3cret; echo s3cret >&2; exit 1"), -1);
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error().message.find("s3cret"), std::string::npos);
}

// A grandchild that would live on holds a FIFO open for writing: when its reader sees the end, it is gone.
class Group : public testing::Test {
 protected:
    void SetUp() override {
        ASSERT_EQ(::mkfifo(fifo_.c_str(), 0600), 0);
        reader_ = ::open(fifo_.c_str(), O_RDONLY | O_NONBLOCK);
        ASSERT_GE(reader_, 0);
    }
    void TearDown() override { ::close(reader_); }
    void expect_that_all_are_gone() const {
        char byte = 0;
        ASSERT_TRUE(becomes_readable(reader_));
        EXPECT_EQ(::read(reader_, &byte, 1), 1);
        ASSERT_TRUE(becomes_readable(reader_));
        EXPECT_EQ(::read(reader_, &byte, 1), 0);
    }
    // Both hold the FIFO open and write one byte before anything else happens.
    [[nodiscard]] std::string script(const std::string& then) const {
        return "exec 9>" + fifo_ + "; printf x >&9; sleep 1000 & " + then;
    }

    fakes::TemporaryDirectory directory_;
    std::string fifo_ = directory_.file("fifo");
    int reader_ = -1;
};

TEST_F(Group, IsKilledAtTheTimeout) {
    EXPECT_EQ(kind_of(shell(script("sleep 1000"), 300ms)), ErrorKind::Unavailable);
    expect_that_all_are_gone();
}

TEST_F(Group, IsKilledWhenItsFirstEnds) {
    EXPECT_EQ(output_of(shell(script("echo done"))), "done");
    expect_that_all_are_gone();
}

TEST_F(Group, IsKilledWhenWeStop) {
    Wake stop;
    stop.set();
    EXPECT_EQ(kind_of(shell(script("sleep 1000")), stop.descriptor()), ErrorKind::TooEarly);
}

}  // namespace
}  // namespace devkey::host
