// What of the log goes to the history, and what is told when that can't be written.
#include "recorder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fakes/clock.hpp"
#include "fakes/temporary_directory.hpp"

namespace devkey {
namespace {

struct LogOfEvents : ports::Reporter {
    void report(const ports::Event& event) noexcept override { told.emplace_back(event.name); }
    [[nodiscard]] std::ptrdiff_t times(std::string_view name) const { return std::ranges::count(told, name); }
    std::vector<std::string> told;
};

TEST(Recorder, AGapInTheHistoryIsToldOnceUntilItIsWrittenAgain) {
    const fakes::TemporaryDirectory directory;
    LogOfEvents log;
    fakes::Clock clock;
    storage::HistoryFile history{directory.file("state")};
    Recorder recorder{log, history, clock};
    const auto happens = [&](ports::Severity severity) { recorder.report({severity, "x", "y"}); };
    happens(ports::Severity::Warning);
    EXPECT_EQ(log.times("history-not-written"), 0) << "that doesn't belong there";
    happens(ports::Severity::Notice);
    happens(ports::Severity::Notice);
    EXPECT_EQ(log.times("history-not-written"), 1);
    std::filesystem::create_directory(directory.file("state"));
    happens(ports::Severity::Notice);
    EXPECT_EQ(history.latest(10).size(), 1U);
    std::filesystem::remove_all(directory.file("state"));
    happens(ports::Severity::Notice);
    EXPECT_EQ(log.times("history-not-written"), 2);
    EXPECT_EQ(log.times("x"), 5) << "the log has each event all the same";
}

}  // namespace
}  // namespace devkey
