// Inventories and options that are wrong: told with the place and the remedy, and nothing is done.
#include <gtest/gtest.h>

#include "fakes/process.hpp"

namespace devkey::fleet {
namespace {

struct Inventory : testing::Test {
    struct Told {
        int exit_code = 0;
        std::string err;
    };
    Told run(std::vector<std::string> words) {
        words.front() = DEVKEY_SOURCE_DIR "/tools/fleet/" + words.front();
        fakes::Process process(std::move(words), directory.file("run"),
                               {"FLEET_SSH=false", "TMPDIR=" + directory.path});
        const int exit_code = process.wait();
        EXPECT_EQ(process.output(), "");
        return {exit_code, process.errors()};
    }
    void expect_wrong(const std::string& lines, const std::string& error,
                      const std::vector<std::string>& scripts = {"provision"}) {
        SCOPED_TRACE(lines);
        const auto file = directory.write("inventory", lines);
        for (const auto& script : scripts) {
            const auto told = run({script, file});
            EXPECT_EQ(told.exit_code, 78) << told.err;
            EXPECT_TRUE(told.err.starts_with(file + error)) << told.err;
        }
        EXPECT_FALSE(std::filesystem::exists(file + ".results"));
    }

    fakes::TemporaryDirectory directory;
};

TEST_F(Inventory, WrongLinesAreToldWithTheirPlace) {
    directory.write("s.yaml", "version: 1\n");
    expect_wrong("# nothing\n\n", ": names no device", {"provision", "status", "rotate"});
    expect_wrong("\na host\n", ":2: expected DEVICE TARGET SETTINGS-FILE");
    expect_wrong("a host s.yaml\n# b\na other s.yaml\n", ":3: the device stands in line 1 already");
    expect_wrong("a host s.yaml\nb host s.yaml\n", ":2: line 1 has the same target and dir");
    expect_wrong("a/b host s.yaml\n", ":1: the device's name has letters, digits");
    expect_wrong(".lock host s.yaml\n", ":1: the device's name");
    expect_wrong("a -oProxyCommand=x s.yaml\n", ":1: the target begins with '-'");
    expect_wrong("a settings=s.yaml secret=x\n", ":1: the second word is the target");
    expect_wrong("a host s.yaml sceret=x\n", ":1: unknown key 'sceret': one of settings, policy");
    expect_wrong("a host s.yaml settings=s.yaml\n", ":1: 'settings' stands there twice");
    expect_wrong("a host s.yaml policy=\n", ":1: 'policy' has no value");
    expect_wrong("a host s.yaml dir=etc\n", ":1: 'dir' is a path on the device");
    expect_wrong("a host s.yaml more\n", ":1: expected key=value in the place of word 4");
    expect_wrong("a host policy=s.yaml\n", ":1: no settings: write settings=FILE");
}

TEST_F(Inventory, FilesThatCannotBeUsedAreTold) {
    directory.write("s.yaml", "version: 1\n");
    directory.write("secret", "s", 0644);
    directory.write("empty.yaml", "");
    expect_wrong("a host t.yaml\n", ": a: " + directory.file("t.yaml") + ": can't be read");
    expect_wrong("a host empty.yaml\n", ": a: " + directory.file("empty.yaml") + ": is empty");
    expect_wrong("a host s.yaml secret=secret\n",
                 ": a: " + directory.file("secret") + ": others can read or change it: chmod 600");
    EXPECT_EQ(run({"status", directory.file("none")}).exit_code, 78);
}

TEST_F(Inventory, AllThatIsWrongIsToldAtOnce) {
    const auto file = directory.write("inventory", "a host\nb -x s.yaml\n");
    const auto told = run({"provision", file});
    EXPECT_TRUE(told.err.contains(":1: ") && told.err.contains(":2: ")) << told.err;
}

TEST_F(Inventory, MayHaveAnyName) {
    directory.write("s.yaml", "version: 1\n");
    std::filesystem::create_directory(directory.file("y=2"));
    for (const std::string name : {"x=1", "-x", "y=2/inventory"}) {
        directory.write(name, "a\n");
        fakes::Process process({"/bin/sh", "-c", "cd \"$0\" && exec \"$1\" \"$2\"", directory.path,
                                DEVKEY_SOURCE_DIR "/tools/fleet/status", name},
                               directory.file("run"), {"TMPDIR=" + directory.path});
        EXPECT_EQ(process.wait(), 78);
        EXPECT_TRUE(process.errors().contains(name + ":1: expected DEVICE TARGET")) << process.errors();
    }
}

TEST_F(Inventory, WrongOptionsEndWith64) {
    directory.write("s.yaml", "version: 1\n");
    const auto file = directory.write("inventory", "a host s.yaml\n");
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"provision", file, "--jobs", "0"},
                                               {"provision", file, "--jobs"},
                                               {"provision", file, "--jobs", "1000"},
                                               {"provision", file, "--again json"},
                                               {"provision", file, "--a;b"},
                                               {"provision", file, "--jobs timeout", "1"},
                                               {"provision", file, "--"},
                                               {"provision", file, "--timeout", "soon"},
                                               {"provision", file, "--json=yes"},
                                               {"provision", file, file},
                                               {"status", file, "--again"},
                                               {"rotate", file, "--batch", "10%%"},
                                               {"rotate", file, "--batch", "0"},
                                               {"rotate", file, "--batch", "99999999999999999999%"},
                                               {"rotate", file, "--batch", "99999999999999999"},
                                               {"rotate", file, "--settle", "5"},
                                               {"retire", "b", "--inventory", file},
                                               {"retire", "--inventory", file},
                                               {"revoke", "a"},
                                               {"provision"}}) {
        const auto told = run(words);
        EXPECT_EQ(told.exit_code, 64) << words.front() << told.err;
        EXPECT_FALSE(told.err.empty());
    }
}

}  // namespace
}  // namespace devkey::fleet
