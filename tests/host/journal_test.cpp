// What the journal is told, and the catalog that explains it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/decision.hpp"
#include "fakes/process.hpp"
#include "fakes/temporary_directory.hpp"
#include "host/datagram_socket.hpp"
#include "host/journal_reporter.hpp"
#include "host/message_ids.hpp"

namespace devkey::host {
namespace {

using Entry = std::vector<std::string>;

struct Fallback : ports::Reporter {
    void report(const ports::Event& event) noexcept override { told.emplace_back(event.name); }
    std::vector<std::string> told;
};

struct JournalTest : testing::Test {
    /// The parts as the journal gets them, where no value has a line break.
    Entry sent(const ports::Event& event) {
        reporter.report(event);
        std::istringstream lines{journal.told()};
        Entry entry;
        for (std::string line; std::getline(lines, line);) entry.push_back(line);
        std::ranges::sort(entry);
        return entry;
    }

    fakes::TemporaryDirectory directory;
    DatagramSocket journal{directory.file("socket")};
    Fallback otherwise;
    JournalReporter reporter{otherwise, directory.file("socket")};
};

TEST_F(JournalTest, HoldsTheEventInFieldsOfItsOwn) {
    EXPECT_EQ(sent({.severity = ports::Severity::Notice,
                    .name = "key-created",
                    .message = "the service made a new key",
                    .fields = {{"key_name", "devkey-a-b-3-c"},
                               {"key_id", "k3"},
                               {"generation", "3"},
                               {"reason", "rotation-due"},
                               {"attempt", "2"}}}),
              (Entry{"DEVKEY_ATTEMPT=2", "DEVKEY_EVENT=key-created", "DEVKEY_GENERATION=3",
                     "DEVKEY_KEY_ID=k3", "DEVKEY_KEY_NAME=devkey-a-b-3-c", "DEVKEY_REASON=rotation-due",
                     "MESSAGE=key-created: the service made a new key (key_name=devkey-a-b-3-c, key_id=k3, "
                     "generation=3, reason=rotation-due, attempt=2)",
                     "MESSAGE_ID=" + std::string(message_id_of("key-created")), "PRIORITY=5",
                     "SYSLOG_IDENTIFIER=devkeyd"}));
    EXPECT_TRUE(otherwise.told.empty());
}

TEST_F(JournalTest, AReasonIsAReasonAlsoWhereItIsTheEvent) {
    const auto entry = sent({ports::Severity::Warning, "owner-refused", "no"});
    EXPECT_NE(std::ranges::find(entry, "DEVKEY_REASON=owner-refused"), entry.end());
    EXPECT_NE(std::ranges::find(entry, "PRIORITY=4"), entry.end());
    for (const auto& part : sent({ports::Severity::Error, "of-no-kind", "no"})) {
        EXPECT_FALSE(part.starts_with("DEVKEY_REASON=")) << part;
        EXPECT_FALSE(part.starts_with("MESSAGE_ID=")) << part;
    }
}

TEST_F(JournalTest, NothingSplitsAnEntryOrForgesAField) {
    const std::string longest(57, 'a');
    const auto entry = sent({ports::Severity::Info,
                             "a\nPRIORITY=0",
                             "b\nMESSAGE=c\x1b\x7f",
                             {{"f", "\r\nX=1"},
                              {"Upper", "1"},
                              {"with=sign", "2"},
                              {"", "3"},
                              {"ümlaut", "4"},
                              {longest, "5"},
                              {longest + "a", "6"}}});
    EXPECT_TRUE(std::ranges::all_of(entry, [](const auto& part) {
        return part.starts_with("DEVKEY_") || part.starts_with("MESSAGE=a\\x0aPRIORITY=0: ") ||
               part == "PRIORITY=6" || part == "SYSLOG_IDENTIFIER=devkeyd";
    })) << testing::PrintToString(entry);
    Entry ours;
    std::ranges::copy_if(entry, std::back_inserter(ours),
                         [](const auto& part) { return part.starts_with("DEVKEY_"); });
    std::string upper = longest;
    std::ranges::fill(upper, 'A');
    EXPECT_EQ(ours,
              (Entry{"DEVKEY_" + upper + "=5", "DEVKEY_EVENT=a\\x0aPRIORITY=0", "DEVKEY_F=\\x0d\\x0aX=1"}));
}

TEST_F(JournalTest, WhatTheJournalDoesNotTakeIsToldOtherwise) {
    EXPECT_TRUE(sent({ports::Severity::Info, "too-large", std::string(8'000'000, 'x')}).empty());
    EXPECT_EQ(otherwise.told, std::vector<std::string>{"too-large"});
    JournalReporter(otherwise, directory.file("none")).report({ports::Severity::Info, "no-journal", "b"});
    EXPECT_EQ(otherwise.told, (std::vector<std::string>{"too-large", "no-journal"}));
    EXPECT_FALSE(sent({ports::Severity::Info, "a", "b"}).empty());
    EXPECT_EQ(otherwise.told.size(), 2U);
}

TEST(JournalDatagram, HasALengthWhereAValueHasALineBreak) {
    const std::string_view length{"\x04\0\0\0\0\0\0\0", 8};
    EXPECT_EQ(journal_datagram({"A=1", "B=x\nC=", "D=", "E=a=b"}),
              "A=1\nB\n" + std::string(length) + "x\nC=\nD=\nE=a=b\n");
    const auto longer = journal_datagram({"A=" + std::string(0x10203, '\n')});
    EXPECT_EQ(longer.substr(0, 10), std::string_view("A\n\x03\x02\x01\0\0\0\0\0", 10));
    EXPECT_EQ(longer.size(), 2U + 8 + 0x10203 + 1);
}

/// What the first group of `pattern` is, wherever it stands.
std::set<std::string> all_of(const std::string& text, const std::string& pattern) {
    std::set<std::string> found;
    const std::regex wanted{pattern};
    for (std::sregex_iterator at{text.begin(), text.end(), wanted}, end; at != end; ++at)
        found.insert((*at)[1].str());
    return found;
}

const std::string& agent_source() {
    static const std::string all = [] {
        std::string text;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(DEVKEY_SOURCE_DIR "/agent")) {
            const auto kind = entry.path().extension();
            if (kind != ".cpp" && kind != ".hpp") continue;
            std::ifstream in{entry.path()};
            text.append(std::istreambuf_iterator<char>(in), {});
        }
        return text;
    }();
    return all;
}

/// id → the entry's text.
std::multimap<std::string, std::string> catalog() {
    std::ifstream in{DEVKEY_SOURCE_DIR "/systemd/devkeyd.catalog"};
    std::multimap<std::string, std::string> entries;
    auto at = entries.end();
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("-- "))
            at = entries.emplace(line.substr(3), "");
        else if (at != entries.end())
            at->second += line + '\n';
    }
    return entries;
}

TEST(Catalog, HasExactlyOneEntryForEachId) {
    const auto entries = catalog();
    EXPECT_EQ(entries.size(), message_ids().size());
    for (const auto& [event, id] : message_ids()) {
        EXPECT_TRUE(std::ranges::all_of(id, [](char c) {
            return std::string_view("0123456789abcdef").contains(c);
        })) << event;
        EXPECT_EQ(id.size(), 32U) << event;
        ASSERT_EQ(entries.count(std::string(id)), 1U) << event;
        const auto& text = entries.find(std::string(id))->second;
        EXPECT_TRUE(text.starts_with("Subject: ")) << event;
        EXPECT_TRUE(text.contains("\nDefined-By: devkeyd\n\n")) << event;
        EXPECT_TRUE(text.contains("\n\nWhat to do: ")) << event;
        EXPECT_EQ(message_id_of(event), id) << "there are two of " << event;
    }
}

/// The log's fields that the README documents, as the journal has them.
std::set<std::string> documented_fields() {
    std::ifstream in{DEVKEY_SOURCE_DIR "/config/README.md"};
    std::string text{std::istreambuf_iterator<char>(in), {}};
    text = text.substr(text.find("\n## The log\n"));
    text = text.substr(0, text.find("\n## ", 1));
    return all_of(text, R"(`(DEVKEY_[A-Z_]+)`)");
}

/// The fields that an event anywhere in the agent may have.
std::set<std::string> sent_fields() {
    std::set<std::string> fields{"DEVKEY_EVENT"};
    auto names = all_of(agent_source(), R"re(event\.fields\.emplace_back\("([a-z_]+)")re");
    const auto lists = all_of(agent_source(), R"re(\.fields = (\{(\{[^{}]*\},?\s*)+\}))re");
    for (const auto& list : lists) names.merge(all_of(list, R"re(\{"([a-z_]+)",)re"));
    for (auto name : names) {
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
        fields.insert("DEVKEY_" + name);
    }
    return fields;
}

TEST(Catalog, TheReadmeNamesTheFieldsThatWeSend) {
    const auto sent = sent_fields();
    EXPECT_GT(sent.size(), 15U);
    EXPECT_EQ(documented_fields(), sent);
}

TEST(Catalog, NamesOnlyFieldsThatWeSend) {
    const auto sent = sent_fields();
    for (const auto& [id, text] : catalog())
        for (auto at = text.find('@'); at != std::string::npos;) {
            const auto end = text.find('@', at + 1);
            ASSERT_NE(end, std::string::npos) << text;
            EXPECT_TRUE(sent.contains(text.substr(at + 1, end - at - 1))) << text;
            at = text.find('@', end + 1);
        }
}

TEST(Catalog, HasEachReasonThatAPersonIsToldOf) {
    // Why something is done: each of these is told with what was done, and is no event of its own.
    const std::set<std::string_view> only_of_actions{
        "no-key-yet",        "create-key",        "create-unanswered", "name-taken",         "stray-found",
        "new-key-unproven",  "new-key-proven",    "not-published",     "rotation-due",       "rotation-asked",
        "time-unknown",      "times-implausible", "grace-over",        "key-compromised",    "deletion-due",
        "quota-short",       "login-check-due",   "listed-check-due",  "heartbeat-returned", "rollback-asked",
        "key-returns",       "disable-asked",     "enable-asked",      "programs-not-told",  "old-key-goes",
        "hook-keeps-failing"};
    for (int i = 0; i <= static_cast<int>(core::Reason::Decommissioned); ++i) {
        const auto name = core::name_of(static_cast<core::Reason>(i));
        // What passes by itself within seconds, nobody looks up.
        const bool looked_up = name != "too-early-to-tell" && !only_of_actions.contains(name);
        EXPECT_EQ(looked_up, !message_id_of(name).empty()) << name;
    }
}

TEST(Catalog, HasEachEventThatTheAgentNames) {
    auto events = all_of(agent_source(), R"re(Severity::[A-Z][a-z]+,\s*(?:\.name = )?"([a-z-]+)")re");
    events.merge(all_of(agent_source(), R"re(tell_of\(\s*"([a-z-]+)")re"));
    EXPECT_GT(events.size(), 20U);
    for (const auto& event : events) EXPECT_FALSE(message_id_of(event).empty()) << event;
}

TEST(Catalog, IsTakenByJournalctl) {
    const fakes::TemporaryDirectory root;
    const auto folder = root.file("usr/lib/systemd/catalog");
    std::filesystem::create_directories(folder);
    std::filesystem::create_directories(root.file("var/lib/systemd/catalog"));
    std::filesystem::copy_file(DEVKEY_SOURCE_DIR "/systemd/devkeyd.catalog", folder + "/devkeyd.catalog");
    const auto run = [&](const std::string& flag) {
        fakes::Process process({"journalctl", "--root=" + root.path, flag}, root.file("out"));
        EXPECT_EQ(process.wait(), 0) << "journalctl (of the package systemd): " << process.errors();
        EXPECT_EQ(process.errors(), "");
        return process.output();
    };
    static_cast<void>(run("--update-catalog"));
    const auto dump = run("--dump-catalog");
    for (const auto& [id, text] : catalog()) EXPECT_TRUE(dump.contains("-- " + id + "\n")) << id;
}

}  // namespace
}  // namespace devkey::host
