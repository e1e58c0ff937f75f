// What systemd and the log are told.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>

#include "fakes/clock.hpp"
#include "host/datagram_socket.hpp"
#include "host/log_reporter.hpp"
#include "host/notify.hpp"

namespace devkey::host {
namespace {

class NotifyTest : public testing::Test {
 protected:
    std::string told() const { return socket_.told(); }

    NotifySocket socket_;
    Notify notify_;
};

TEST_F(NotifyTest, SaysReadyOnce) {
    notify_.ready();
    EXPECT_EQ(told(), "READY=1");
    notify_.ready();
    EXPECT_EQ(told(), "");
}

TEST_F(NotifyTest, SaysReloadingOnlyWhenReady) {
    notify_.reloading();
    notify_.reloaded();
    EXPECT_EQ(told(), "");
    notify_.ready();
    EXPECT_EQ(told(), "READY=1");
    notify_.reloading();
    EXPECT_TRUE(told().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    notify_.reloaded();
    EXPECT_EQ(told(), "READY=1");
}

TEST_F(NotifyTest, KeepsStatusInOneLine) {
    notify_.status("waiting\nREADY=1");
    EXPECT_EQ(told(), "STATUS=waiting READY=1");
    notify_.stopping();
    EXPECT_EQ(told(), "STOPPING=1");
}

TEST_F(NotifyTest, WatchesOverTheStartToo) {
    notify_.alive(std::chrono::seconds{2});
    EXPECT_EQ(told(), "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=2000000");
    notify_.ready();
    EXPECT_EQ(told(), "READY=1");
    notify_.alive(std::chrono::seconds{2});
    EXPECT_EQ(told(), "WATCHDOG=1");
}

TEST_F(NotifyTest, ReachesASocketWithoutAPath) {
    const std::string name = "@devkeyd-notify-" + std::to_string(::getpid());
    const DatagramSocket abstract{name};
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    notify_.ready();
    EXPECT_EQ(abstract.told(), "READY=1");
    EXPECT_EQ(told(), "");
}

TEST_F(NotifyTest, SaysReadyAgainUntilItArrived) {
    ::setenv("NOTIFY_SOCKET", "/nowhere", 1);
    notify_.ready();
    const NotifySocket later;
    notify_.reloaded();
    EXPECT_EQ(later.told(), "");
    notify_.ready();
    EXPECT_EQ(later.told(), "READY=1");
    notify_.ready();
    EXPECT_EQ(later.told(), "");
}

TEST_F(NotifyTest, NeedsNobodyWhoListens) {
    ::unsetenv("NOTIFY_SOCKET");
    notify_.ready();
    const NotifySocket later;
    notify_.reloaded();
    EXPECT_EQ(later.told(), "READY=1") << "it is ready, whether somebody listened or not";
}

class LogTest : public testing::Test {
 protected:
    void SetUp() override { ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends_.data()), 0); }
    void TearDown() override {
        for (const int end : ends_) ::close(end);
    }
    // One datagram is one write.
    std::string logged(bool priorities, const ports::Event& event) const {
        LogReporter(ends_[1], priorities).report(event);
        std::array<char, 4096> buffer{};
        const ssize_t size = ::recv(ends_[0], buffer.data(), buffer.size(), MSG_DONTWAIT);
        return size < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(size));
    }

    std::string logged_as_json(const ports::Event& event) const {
        JsonReporter(ends_[1], clock_).report(event);
        std::array<char, 4096> buffer{};
        const ssize_t size = ::recv(ends_[0], buffer.data(), buffer.size(), MSG_DONTWAIT);
        return size < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(size));
    }

    std::array<int, 2> ends_{};
    fakes::Clock clock_;
};

TEST_F(LogTest, WritesAJsonObjectInOneWrite) {
    EXPECT_EQ(logged_as_json({ports::Severity::Warning, "rate-limited", "too many", {{"n", "2"}, {"m", ""}}}),
              R"({"time":"2026-01-02T00:00:00.000Z","severity":"warning","event":"rate-limited",)"
              R"("message":"too many","fields":{"n":"2","m":""}})"
              "\n");
    EXPECT_EQ(logged_as_json({ports::Severity::Info, "a", "b\n\x1b\x7f\"\\ü€\xf0\x9f\x94\x91"}),
              R"({"time":"2026-01-02T00:00:00.000Z","severity":"info","event":"a",)"
              R"("message":"b\u000a\u001b\u007f\"\\ü€🔑","fields":{}})"
              "\n");
}

TEST_F(LogTest, JsonIsUtf8WhateverComes) {
    const auto as_json = [&](const std::string& message) {
        const auto line = logged_as_json({ports::Severity::Info, "a", message});
        const auto from = line.find("\"message\":\"") + 11;
        return line.substr(from, line.find("\",\"fields\"") - from);
    };
    EXPECT_EQ(as_json("a\xff!"), "a\\ufffd!");
    EXPECT_EQ(as_json("\xc2\x9b"
                      "2J"),
              "\\u009b2J");
    EXPECT_EQ(as_json("\xc3"), "\\ufffd");                        // torn off
    EXPECT_EQ(as_json("\xc0\xaf"), "\\ufffd\\ufffd");             // longer than it need be
    EXPECT_EQ(as_json("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd");  // half a surrogate
    EXPECT_EQ(as_json("\xf4\x90\x80\x80x"), "\\ufffd\\ufffd\\ufffd\\ufffdx");
}

TEST_F(LogTest, WritesALineInOneWrite) {
    EXPECT_EQ(
        logged(false,
               {ports::Severity::Warning, "rate-limited", "too many", {{"again_in", "5s"}, {"n", "2"}}}),
        "warning: rate-limited: too many (again_in=5s, n=2)\n");
    EXPECT_EQ(logged(true, {ports::Severity::Error, "disk-refuses", "no space"}),
              "<3>disk-refuses: no space\n");
    EXPECT_EQ(logged(true, {ports::Severity::Info, "a", "b"}), "<6>a: b\n");
    EXPECT_EQ(logged(true, {ports::Severity::Notice, "a", "b"}), "<5>a: b\n");
}

TEST_F(LogTest, CannotBeForged) {
    EXPECT_EQ(logged(true, {ports::Severity::Info, "a", "b\n<3>c\x1b[1m\x7f", {{"f", "\r"}}}),
              "<6>a: b\\x0a<3>c\\x1b[1m\\x7f (f=\\x0d)\n");
}

TEST_F(LogTest, KnowsTheJournalsStream) {
    struct stat facts{};
    ASSERT_EQ(::fstat(ends_[1], &facts), 0);
    const std::string ours = std::to_string(facts.st_dev) + ":" + std::to_string(facts.st_ino);
    EXPECT_TRUE(is_journal(ends_[1], ours.c_str()));
    EXPECT_FALSE(is_journal(ends_[1], "1:1"));
    EXPECT_FALSE(is_journal(ends_[1], nullptr));
    EXPECT_FALSE(is_journal(-1, ours.c_str()));
}

}  // namespace
}  // namespace devkey::host
