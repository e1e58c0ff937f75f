// The files in config/ and their reference say what the parser does.
#ifndef __clang__
// GCC 12 says it of std::regex, falsely, when it builds with the undefined-behaviour sanitizer.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <regex>
#include <set>
#include <sstream>

#include "settings/keys.hpp"
#include "settings/texts.hpp"

namespace devkey::settings {
namespace {

TEST(ShippedFiles, AreValidAndHoldTheDefaults) {
    const auto loaded = load(DEVKEY_SOURCE_DIR "/config/devkeyd.yaml", core::Capabilities{});
    ASSERT_TRUE(loaded) << format(loaded.error().front());
    const core::Settings defaults;
    EXPECT_EQ(loaded->service.allowed_hosts, defaults.service.allowed_hosts);
    EXPECT_EQ(loaded->service.ca_file, defaults.service.ca_file);
    EXPECT_EQ(loaded->service.plain_http, defaults.service.plain_http);
    EXPECT_EQ(loaded->service.connect_timeout, defaults.service.connect_timeout);
    EXPECT_EQ(loaded->service.request_timeout, defaults.service.request_timeout);
    EXPECT_EQ(loaded->device_id.index(), defaults.device_id.index());
    EXPECT_EQ(loaded->key_prefix, defaults.key_prefix);
    EXPECT_EQ(loaded->credential_file.path, defaults.credential_file.path);
    EXPECT_EQ(loaded->credential_file.format, defaults.credential_file.format);
    EXPECT_EQ(loaded->credential_file.mode, defaults.credential_file.mode);
    EXPECT_EQ(loaded->credential_file.group, defaults.credential_file.group);
    EXPECT_EQ(loaded->state_directory, defaults.state_directory);
    EXPECT_EQ(loaded->metrics.textfile, defaults.metrics.textfile);
    EXPECT_EQ(loaded->policy, defaults.policy);
}

/// The paths of all keys in a YAML file, also of those in comments that begin right with a key.
std::set<std::string> keys_in(const std::string& text) {
    static const std::regex key{R"(^( *)(#?) *([a-z_]+):(.*)$)"};
    std::set<std::string> keys;
    std::vector<std::pair<std::size_t, std::string>> above;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        std::smatch found;
        if (line.starts_with('#')) {  // an example in prose: `#   id: {literal: …}`
            static const std::regex example{R"(^# +id: \{(literal|file|command): ?(\{run: .*timeout:.*)?)"};
            if (!std::regex_search(line, found, example)) continue;
            keys.insert("device.id." + found[1].str());
            if (found[2].matched) keys.insert({"device.id.command.run", "device.id.command.timeout"});
            continue;
        }
        if (!std::regex_match(line, found, key)) continue;
        // '#' stands in front of the key; deeper ones in the same comment are indented after it.
        const auto indent = static_cast<std::size_t>(found.position(3)) - (found[2].length() > 0 ? 1U : 0U);
        while (!above.empty() && above.back().first >= indent) above.pop_back();
        above.emplace_back(indent, join(above.empty() ? "" : above.back().second, found[3].str()));
        keys.insert(above.back().second);
    }
    return keys;
}

/// The first cells of the tables under a heading of config/README.md.
std::set<std::string> documented(const std::string& heading) {
    const auto readme = shipped("README.md");
    const auto from = readme.find("\n## " + heading + "\n");
    const auto section = readme.substr(from, readme.find("\n## ", from + 1) - from);
    static const std::regex row{R"(\n\| `([a-z_.]+)` \|)"};
    std::set<std::string> keys;
    for (std::sregex_iterator at{section.begin(), section.end(), row}, end; at != end; ++at)
        keys.insert((*at)[1].str());
    return keys;
}

std::set<std::string> known(const Schema& schema) {
    return {schema.keys.begin(), schema.keys.end()};
}

TEST(ShippedFiles, EveryKeyStandsInTheYamlAndInTheReferenceAndNoOther) {
    EXPECT_EQ(keys_in(shipped("devkeyd.yaml")), known(devkeyd_schema));
    EXPECT_EQ(documented("devkeyd.yaml"), known(devkeyd_schema));
    EXPECT_EQ(keys_in(shipped("policy.yaml")), known(policy_schema));
    EXPECT_EQ(documented("policy.yaml"), known(policy_schema));
}

TEST(ShippedFiles, WhatStandsInCommentsIsValid) {
    auto yaml = replaced(shipped("policy.yaml"), "hooks: {}", "hooks:");
    for (std::size_t at = 0; (at = yaml.find("\n  #", at)) != std::string::npos; at += 3)
        yaml.erase(at + 3, 1);
    EXPECT_NE(yaml, shipped("policy.yaml"));
    EXPECT_EQ(lines_of(load_policy_text(yaml)), std::vector<std::string>{});
}

TEST(ShippedFiles, EveryOtherChoiceInThemIsValidToo) {
    const auto yaml = replaced(shipped("devkeyd.yaml"), "policy: policy.yaml", "#");
    EXPECT_EQ(lines_of(load_text(replaced(yaml, "#ca_file", "ca_file"))), std::vector<std::string>{});
    const auto without = replaced(yaml, "    credential: owner-secret", "#");
    EXPECT_EQ(lines_of(load_text(replaced(without, "#file", "file"))), std::vector<std::string>{});
    auto command = replaced(replaced(without, "#command", "command"), "#  run", "  run");
    command = replaced(command, "#  timeout", "  timeout");
    EXPECT_EQ(lines_of(load_text(command)), std::vector<std::string>{});
    std::smatch id;
    static const std::regex example{R"(\n#   (id: \{.*\})\n)"};
    auto rest = yaml;
    int examples = 0;
    for (; std::regex_search(rest, id, example); ++examples) {
        EXPECT_EQ(lines_of(load_text(replaced(yaml, "  id: machine-id", "  " + id[1].str()))),
                  std::vector<std::string>{});
        rest = rest.substr(static_cast<std::size_t>(id.position(0)) + 1);
    }
    EXPECT_EQ(examples, 3);
}

std::string mutated(std::string text, std::mt19937& chance) {
    static const std::string pieces[] = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         ":",
                                         ": ",
                                         "- ",
                                         "? ",
                                         "&a ",
                                         "*a",
                                         "!",
                                         "!!",
                                         "|\n",
                                         ">",
                                         "'",
                                         "\"",
                                         "#",
                                         "\n",
                                         "\n  ",
                                         "\t",
                                         "---\n",
                                         "...\n",
                                         "%",
                                         "\\x",
                                         "<<: ",
                                         "\xff",
                                         "~",
                                         std::string(1, '\0'),
                                         "\xEF\xBB\xBF",
                                         "0x",
                                         "{{{{{{{{",
                                         "[[[[[[[[",
                                         ",",
                                         "\r"};
    const auto roll = [&](std::size_t below) {
        return std::uniform_int_distribution<std::size_t>{0, below - 1}(chance);
    };
    for (auto changes = 1 + roll(4); changes > 0 && !text.empty(); --changes) {
        const auto at = roll(text.size());
        switch (roll(4)) {
            case 0:
                text.erase(at, 1 + roll(20));
                break;
            case 1:
                text.insert(at, pieces[roll(std::size(pieces))]);
                break;
            case 2:
                text[at] = static_cast<char>(roll(256));
                break;
            default:
                text.insert(roll(text.size()), text.substr(at, 1 + roll(60)));
        }
    }
    return text;
}

TEST(HostileFiles, NeverCrashAndAlwaysSayWhere) {
    std::mt19937 chance{20260101};
    const auto devkeyd = shipped("devkeyd.yaml");
    const auto policy = shipped("policy.yaml");
    int refused = 0;
    for (int i = 0; i < 3000; ++i) {
        const auto loaded = load("/c/devkeyd.yaml", core::Capabilities{},
                                 texts({{"/c/devkeyd.yaml", i % 4 == 0 ? devkeyd : mutated(devkeyd, chance)},
                                        {"/c/policy.yaml", mutated(policy, chance)}}));
        if (loaded) continue;
        ++refused;
        ASSERT_FALSE(loaded.error().empty());
        for (const auto& problem : loaded.error()) {
            ASSERT_GT(problem.line, 0) << problem.message;
            ASSERT_GT(problem.column, 0) << problem.message;
            ASSERT_EQ(problem.message.find('\n'), std::string::npos);
        }
    }
    EXPECT_GT(refused, 1000) << "this test has lost its teeth";
}

TEST(HostileFiles, DeepNestingIsRefused) {
    for (const std::string opening : {"[", "{a: ", "- ", "? "}) {
        std::string text;
        while (text.size() < 60'000) text += opening;
        EXPECT_FALSE(load_text(text)) << opening;
    }
}

}  // namespace
}  // namespace devkey::settings
