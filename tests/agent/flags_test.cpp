#include "flags.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace devkey {
namespace {

std::variant<Flags, Leave> parse(std::vector<std::string> words) {
    words.insert(words.begin(), "devkeyd");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    return parse_flags(static_cast<int>(argv.size()), argv.data());
}

int exit_code(std::vector<std::string> words) {
    return std::get<Leave>(parse(std::move(words))).exit_code;
}

TEST(ParseFlags, KnowsItsDefaults) {
    const auto flags = std::get<Flags>(parse({}));
    EXPECT_EQ(flags.config, "/etc/devkeyd/devkeyd.yaml");
    EXPECT_FALSE(flags.once || flags.check_config || flags.json);
}

TEST(ParseFlags, ReadsThemAll) {
    const auto flags = std::get<Flags>(parse({"--config", "x.yaml", "--once", "--json"}));
    EXPECT_EQ(flags.config, "x.yaml");
    EXPECT_TRUE(flags.once && flags.json);
    EXPECT_TRUE(std::get<Flags>(parse({"--check-config"})).check_config);
}

TEST(ParseFlags, ReadsWhereTheLogGoes) {
    EXPECT_EQ(std::get<Flags>(parse({})).log, LogForm::Automatic);
    EXPECT_EQ(std::get<Flags>(parse({"--log", "text"})).log, LogForm::Text);
    EXPECT_EQ(std::get<Flags>(parse({"--log=json"})).log, LogForm::Json);
    EXPECT_EQ(std::get<Flags>(parse({"--log", "journal"})).log, LogForm::Journal);
    for (const auto* wrong : {"xml", "", "1", "JSON"}) EXPECT_EQ(exit_code({"--log", wrong}), 64) << wrong;
}

TEST(ParseFlags, RefusesWhatMakesNoSense) {
    EXPECT_EQ(exit_code({"--json"}), 64);
    EXPECT_EQ(exit_code({"--once", "--check-config"}), 64);
    EXPECT_EQ(exit_code({"--config"}), 64);
    EXPECT_EQ(exit_code({"--wrong"}), 64);
    EXPECT_EQ(exit_code({"word"}), 64);
}

TEST(ParseFlags, AnswersHelpAndVersion) {
    EXPECT_EQ(exit_code({"--help"}), 0);
    EXPECT_EQ(exit_code({"--version"}), 0);
}

}  // namespace
}  // namespace devkey
