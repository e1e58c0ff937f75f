// Devices leave the fleet: lost ones through the service, others over ssh.
#include "fleet/fleet.hpp"

namespace devkey::fleet {
namespace {

struct Leaving : Fleet {
    /// Its agent is dead, and nobody reaches it.
    void lose(const std::string& name) const {
        end_agent(name, SIGKILL);
        std::filesystem::rename(folder(name), directory.file("lost-" + name));
    }
    Told retire(const std::string& name,
                const std::string& stop = DEVKEY_SOURCE_DIR "/tests/fleet/stop_here") {
        return run({"retire", name, "--stop", stop});
    }
    [[nodiscard]] bool has_secret(const std::string& name) const {
        return std::filesystem::exists(folder(name) + "/etc/owner-secret");
    }
};

TEST_F(Leaving, ALostDeviceIsRevokedAtTheService) {
    make(4, 2);
    provision();
    lose("press-01");
    const auto told = run({"revoke", "press-01", "--json"});
    EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
    const auto revoked = told.json()->getArray("keys")->getObject(0);
    EXPECT_TRUE(revoked->getValue<std::string>("name").starts_with("devkey-press-01-"));
    EXPECT_EQ(revoked->getValue<std::string>("became"), "deleted");
    EXPECT_EQ(keys(), (Words{"press-02 1", "press-03 1", "press-04 1"}));
    EXPECT_EQ(word("press-01", "result"), "revoked");
    EXPECT_EQ(run({"revoke", "press-01"}).exit_code, 10);

    // With settings of one's own, and no inventory.
    const auto settings = directory.file("owner-2-here.yaml");
    const auto disabled = run({"revoke", "press-02", "--disable", "--config", settings});
    EXPECT_EQ(disabled.exit_code, 0) << disabled.err;
    EXPECT_TRUE(disabled.out.starts_with("disabled: devkey-press-02-")) << disabled.out;
    directory.write("owner-2.secret", "not the password");
    EXPECT_EQ(run({"revoke", "press-02", "--config", settings}).exit_code, 77);

    const auto again = run(provisioning());
    EXPECT_EQ(again.exit_code, 0) << again.out << again.err;
    EXPECT_TRUE(again.out.contains("press-01                 revoked: left as it is")) << again.out;
}

TEST_F(Leaving, RevokeUsesTheDevicesOwnSettingsAndSecret) {
    make(1, 1);
    provision();
    lose("press-01");
    auto text = settings("owner-1", "x");
    const std::string file = "{file: 'x'}";
    text.replace(text.find(file), file.size(), "{credential: owner-secret}");
    directory.write("owner-1.yaml", text);
    auto lines = fakes::content_of(inventory());
    lines.erase(lines.find(" owner="));
    fakes::put(inventory(), lines + "\n");
    const auto told = run({"revoke", "press-01"});
    EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
    EXPECT_TRUE(keys().empty());
}

TEST_F(Leaving, ARetiredDeviceHasNoKeyAndNoSecret) {
    make(2, 1);
    provision();
    const auto told = retire("press-01");
    EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
    EXPECT_EQ(keys(), (Words{"press-02 1"}));
    EXPECT_FALSE(std::filesystem::exists(folder("press-01") + "/credential.json"));
    EXPECT_FALSE(std::filesystem::exists(folder("press-01") + "/etc/owner-secret"));
    EXPECT_EQ(word("press-01", "result"), "retired");
    EXPECT_EQ(result("press-01")->getObject("status")->getValue<std::string>("health"), "out-of-service");

    const auto again = run(provisioning());
    EXPECT_EQ(again.exit_code, 0) << again.out << again.err;
    EXPECT_TRUE(again.out.contains("press-01                 retired: left as it is")) << again.out;
    EXPECT_EQ(keys(), (Words{"press-02 1"}));

    // Its agent is gone: that is no failure of what is done.
    const auto twice = retire("press-01");
    EXPECT_EQ(twice.exit_code, 10) << twice.out << twice.err;
    EXPECT_TRUE(twice.out.contains("retired: it was already")) << twice.out;
    EXPECT_EQ(word("press-01", "result"), "retired");
    provision();
    EXPECT_FALSE(has_secret("press-01"));

    end_agent("press-02", SIGTERM);
    const auto stopped = retire("press-02");
    EXPECT_EQ(stopped.exit_code, 69) << stopped.out;
    EXPECT_TRUE(word("press-02", "detail").contains("use revoke")) << word("press-02", "detail");
    EXPECT_EQ(word("press-02", "result"), "not-retired");
    EXPECT_TRUE(has_secret("press-02"));
}

TEST_F(Leaving, RetireGoesOnWhereItFailed) {
    make(1, 1);
    provision();
    const auto failed = retire("press-01", "echo Access denied >&2; exit 4");
    EXPECT_EQ(failed.exit_code, 4) << failed.out << failed.err;
    EXPECT_EQ(word("press-01", "result"), "not-retired");
    EXPECT_EQ(word("press-01", "detail"), "stop: Access denied");
    EXPECT_FALSE(has_secret("press-01"));

    // As one that was stopped behind that, by an earlier version even before the secret went.
    end_agent("press-01", SIGTERM);
    fakes::put(folder("press-01") + "/etc/owner-secret", password);
    const auto rest = retire("press-01");
    EXPECT_EQ(rest.exit_code, 0) << rest.out << rest.err;
    EXPECT_EQ(word("press-01", "result"), "retired");
    EXPECT_FALSE(has_secret("press-01"));
}

TEST_F(Leaving, RevokeNotesNothingWhereNoKeyWasFoundByTheNameHere) {
    make(1, 1);
    auto text = settings("owner-1", devices() + "/@DEVICE@/etc/owner-secret");
    const std::string id = "literal: '@DEVICE@'";
    text.replace(text.find(id), id.size(), "literal: 'serial-7'");
    directory.write("owner-1.yaml", text);
    provision();
    std::filesystem::remove_all(results());
    const auto told = run({"revoke", "press-01"});
    EXPECT_EQ(told.exit_code, 10) << told.out << told.err;
    EXPECT_TRUE(told.err.contains("'press-01'") && told.err.contains("devkeyctl revoke ID")) << told.err;
    EXPECT_EQ(result_count(), 0U);
    EXPECT_EQ(keys(), (Words{"serial-7 1"}));

    // Where the results know it, there are none left.
    provision();
    EXPECT_EQ(run({"revoke", "press-01"}).exit_code, 0);
    EXPECT_EQ(run({"revoke", "press-01"}).exit_code, 10);
    EXPECT_EQ(word("press-01", "result"), "revoked");
    EXPECT_EQ(word("press-01", "device_id"), "serial-7");
}

}  // namespace
}  // namespace devkey::fleet
