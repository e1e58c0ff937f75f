// A device is believed about itself only: what it says can't reach another's keys, the operator's terminal or
// the fleet's JSON.
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "fakes/process.hpp"

namespace devkey::fleet {
namespace {

using Poco::JSON::Object;
using Words = std::vector<std::string>;

/// Two devices that say over ssh what the test tells them to, and a devkeyctl that notes what it is called
/// with.
struct Lying : testing::Test {
    struct Told {
        int exit_code = 0;
        std::string out;
        std::string err;
    };
    Lying() {
        directory.write("s.yaml", "version: 1\n");
        directory.write("inventory", "press-01 press-01 s.yaml\npress-02 press-02 s.yaml\n");
        directory.write(
            "ssh",
            "#!/bin/sh\ncd " + directory.path +
                "\ncat >/dev/null\necho called >>\"$1.calls\"\ncat \"$1.out\"\ncat \"$1.err\" >&2\n"
                "exit \"$(cat \"$1.code\")\"\n",
            0700);
        directory.write("devkeyctl", "#!/bin/sh\necho \"$*\" >>" + directory.file("revoked") + "\n", 0700);
        for (const std::string name : {"press-01", "press-02"}) say(name, status(name));
    }
    static std::string status(const std::string& id, const std::string& more = "") {
        return R"({"version":1,"answer":"status","device":")" + id + R"(","health":"healthy")" + more + "}";
    }
    void say(const std::string& name, const std::string& line, const std::string& error = "",
             int code = 0) const {
        directory.write(name + ".out", "step wait\n" + line + "\n");
        directory.write(name + ".err", error);
        directory.write(name + ".code", std::to_string(code));
    }
    Told run(Words words) {
        words.front() = DEVKEY_SOURCE_DIR "/tools/fleet/" + words.front();
        fakes::Process process(
            std::move(words), directory.file("run"),
            {"FLEET_SSH=" + directory.file("ssh"), "FLEET_INVENTORY=" + directory.file("inventory"),
             "TMPDIR=" + directory.path, "PATH=" + directory.path + ":" + ::getenv("PATH")});
        const int exit_code = process.wait();
        return {exit_code, process.output(), process.errors()};
    }
    Told provision() { return run({"provision", directory.file("inventory")}); }
    static Object::Ptr parse(const std::string& text) {
        return Poco::JSON::Parser().parse(text).extract<Object::Ptr>();
    }
    [[nodiscard]] std::string word(const std::string& name, const std::string& field) const {
        return parse(fakes::content_of(directory.file("inventory.results/" + name + ".json")))
            ->optValue<std::string>(field, "");
    }
    [[nodiscard]] std::string revoked() const { return fakes::content_of(directory.file("revoked")); }
    Words revoking() const { return {"revoke", "press-01", "--config", directory.file("s.yaml")}; }

    fakes::TemporaryDirectory directory;
};

TEST_F(Lying, AnotherDevicesNameIsNotItsId) {
    say("press-01", status("press-02"));
    const auto told = provision();
    EXPECT_EQ(told.exit_code, 1) << told.out;
    EXPECT_TRUE(told.out.contains("press-01                 wrong-id: ")) << told.out;
    EXPECT_EQ(word("press-01", "result"), "wrong-id");
    EXPECT_EQ(word("press-01", "exit_code"), "1");
    EXPECT_EQ(word("press-01", "device_id"), "");
    EXPECT_EQ(word("press-02", "result"), "ready");
    EXPECT_EQ(run(revoking()).exit_code, 0);
    EXPECT_EQ(revoked(), "revoke press-01 --config " + directory.file("s.yaml") + "\n");
}

TEST_F(Lying, TheIdThatWasNotedStays) {
    say("press-01", status("serial-1"));
    say("press-02", status(R"(serial\/2)"));
    EXPECT_EQ(provision().exit_code, 0);
    // Another's as JSON may write it too, one that nobody has, and an option.
    for (const std::string id : {"press-02", R"(serial\/2)", "serial/2", "serial-3", "--disable"}) {
        say("press-01", status(id));
        EXPECT_EQ(provision().exit_code, 1) << id;
        EXPECT_EQ(word("press-01", "result"), "wrong-id") << id;
        EXPECT_EQ(word("press-01", "device_id"), "serial-1") << id;
    }
    EXPECT_EQ(run(revoking()).exit_code, 0);
    EXPECT_TRUE(revoked().starts_with("revoke serial-1 ")) << revoked();
}

TEST_F(Lying, OnlyItsIdIsTakenForIt) {
    say("press-01",
        R"({"version":1,"answer":"status","device_id":"press-02","device":{"device":"press-02"}})");
    EXPECT_EQ(provision().exit_code, 0);
    EXPECT_EQ(run(revoking()).exit_code, 0);
    EXPECT_TRUE(revoked().starts_with("revoke press-01 ")) << revoked();
}

// Noted by an earlier version, or by two at the same instant.
TEST_F(Lying, AnIdOfTwoIsNotRevoked) {
    EXPECT_EQ(provision().exit_code, 0);
    const auto file = directory.file("inventory.results/press-01.json");
    fakes::put(file, R"({"version":1,"device":"press-01","result":"ready","device_id":"press-02"})"
                     "\n");
    const auto told = run(revoking());
    EXPECT_EQ(told.exit_code, 78) << told.err;
    EXPECT_TRUE(told.err.contains("its id 'press-02' is press-02's, too")) << told.err;
    EXPECT_EQ(revoked(), "");
}

TEST_F(Lying, NothingItSaysSteersTheTerminal) {
    const std::string evil =
        "\033]0;owned\a\033[2J\xc2\x9b"
        "1m\x9b"
        "2m end";
    const auto is_clean = [](const std::string& text) {
        return std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); });
    };
    say("press-01", "", evil, 3);
    say("press-02", status("press-02", R"(,"reason":")" + evil + R"(","key":{"name":")" + evil + R"("})"),
        evil, 3);
    for (const std::string script : {"provision", "status", "rotate"}) {
        const auto told = run({script, directory.file("inventory")});
        EXPECT_TRUE(told.out.contains(" end")) << script << told.out;
        EXPECT_TRUE(is_clean(told.out) && is_clean(told.err)) << script << told.out << told.err;
    }
    const auto told = run({"retire", "press-01"});
    EXPECT_TRUE(told.out.contains(" end") && is_clean(told.out)) << told.out;
}

TEST_F(Lying, AStatusThatIsNotOneObjectIsNone) {
    const std::string begin = R"({"version":1,"answer":"status","health":"healthy")";
    for (const std::string rest : {R"()",
                                   R"(}})",
                                   R"(},"device":"x")",
                                   R"(},{"device":"press-02","health":"healthy"})",
                                   R"(,"a":"})",
                                   R"(,"a":"\"})",
                                   R"(,"a":"\x"})",
                                   R"(,"a":[1}])",
                                   R"(,"a":[1})",
                                   R"(,,})",
                                   R"(,"a"})",
                                   R"(,"a":01})",
                                   R"(,"a":1 2})",
                                   R"(,"a":nil})",
                                   R"(} {})",
                                   R"(,"a":{"b":1,}})",
                                   "\t}",
                                   ",\"a\":\"\033\"}",
                                   ",\"a\":\"\x9b\"}",
                                   ",\"a\":\"\xc2\x9b\"}",
                                   ",\"a\":\"\x7f\"}",
                                   ",\"a\":\"\xff\"}"}) {
        SCOPED_TRACE(rest);
        say("press-01", begin + rest);
        const auto told = run({"status", directory.file("inventory"), "--json"});
        Object::Ptr fleet;
        ASSERT_NO_THROW(fleet = parse(told.out)) << told.out;
        const auto devices = fleet->getArray("devices");
        EXPECT_EQ(devices->size(), 2U);
        EXPECT_EQ(devices->getObject(0)->getValue<std::string>("reason"), "no-status") << told.out;
    }
    EXPECT_EQ(provision().exit_code, 0);
    EXPECT_EQ(word("press-01", "status"), "");
}

TEST_F(Lying, AStatusOfAnyShapeIsTaken) {
    const auto line = status(
        "press-01",
        R"(,"a":[],"b":{},"c":["}\"\\{",[{"d":[1,-2.5e+3,0]}]],"e":null,"f": true,"g":"öß€😀","h":"\u001b")");
    say("press-01", line);
    const auto told = run({"status", directory.file("inventory"), "--json"});
    EXPECT_EQ(told.exit_code, 0) << told.out;
    EXPECT_TRUE(told.out.contains(R"(,"status":)" + line + "},")) << told.out;
}

TEST_F(Lying, IsNotRetiredBeforeItSaysSo) {
    for (const auto& line :
         {std::string(), status("press-01"), status("press-01", R"(,"reason":"decommissioned")"),
          std::string(R"({"version":1,"answer":"status","health":"out-of-service","reason":"x"})")}) {
        say("press-01", line);
        const auto told = run({"retire", "press-01"});
        EXPECT_EQ(told.exit_code, 1) << told.out;
        EXPECT_EQ(word("press-01", "result"), "not-retired");
        EXPECT_TRUE(word("press-01", "detail").contains("doesn't say that it is decommissioned"))
            << word("press-01", "detail");
    }
    say("press-01", R"({"version":1,"answer":"status","health":"out-of-service","reason":"decommissioned"})");
    EXPECT_EQ(run({"retire", "press-01"}).exit_code, 0);
    EXPECT_EQ(word("press-01", "result"), "retired");
}

TEST_F(Lying, AGenerationIsANumber) {
    const auto from = directory.file("inventory.results/rotation/from.press-01");
    for (const std::string generation : {R"("9;rm")", R"("")", "-1", "1e3", R"({"a":1})"}) {
        say("press-01", status("press-01", R"(,"key":{"generation":)" + generation + "}"));
        const auto told = run({"rotate", directory.file("inventory"), "--batch", "1"});
        EXPECT_EQ(told.exit_code, 1) << told.out;
        EXPECT_TRUE(told.out.contains("nothing was changed: it has no key")) << told.out;
        EXPECT_FALSE(std::filesystem::exists(from)) << generation;
    }
}

}  // namespace
}  // namespace devkey::fleet
