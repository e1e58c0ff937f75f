// A state that is lost, damaged, another's, or a copy: the real devkeyd starts anew, or touches nothing.
#include <algorithm>
#include <functional>

#include "e2e/story.hpp"

namespace devkey::e2e {
namespace {

using Poco::JSON::Object;

/// A device with its first key, and all that must stay as it is.
struct Provisioned : Story {
    void SetUp() override {
        expect_settled_by_a_run();
        remember();
    }
    void remember() {
        state_before = device.state_text();
        credential_before = fakes::content_of(device.credential_file());
        keys_before = service.key_names();
        asked_before = service.served().size();
    }
    void expect_nothing_touched() const {
        EXPECT_EQ(device.state_text(), state_before);
        EXPECT_EQ(fakes::content_of(device.credential_file()), credential_before);
        EXPECT_EQ(service.key_names(), keys_before);
        EXPECT_TRUE(service.takes(device.credential("key")));
    }
    /// Neither asks the service nor changes anything.
    void expect_held(int exit_code, const std::string& reason) {
        const auto run = device.once();
        EXPECT_EQ(run.exit_code, exit_code) << run.err << run.out;
        EXPECT_EQ(run.reason, reason) << run.err << run.out;
        EXPECT_FALSE(run.changed);
        expect_nothing_touched();
        EXPECT_EQ(service.served().size(), asked_before);
    }
    void expect_healthy_again() {
        const auto run = device.once();
        EXPECT_EQ(run.exit_code, 0) << run.err;
        EXPECT_FALSE(run.changed);
        expect_nothing_touched();
        EXPECT_EQ(service.served().size(), asked_before);
    }
    void put_state(const std::string& text) const { fakes::put(state_file(), text); }
    /// state.json, with a change.
    void change_state(const std::function<void(Object&)>& change) const {
        auto changed = state();
        change(*changed);
        std::ostringstream text;
        changed->stringify(text, 2);
        put_state(text.str());
    }

    std::string state_before;
    std::string credential_before;
    std::vector<std::string> keys_before;
    std::size_t asked_before = 0;
};

// ---- lost ----

using StateLost = Provisioned;

TEST_F(StateLost, MakesAnotherKeyAndKeepsTheOldCredentialUntilItIsProven) {
    const auto old_name = device.credential("key_name");
    const auto old_key = device.credential("key");
    std::filesystem::remove(state_file());
    service.faults.always("POST", "api-key/login", fakes::answer_with(503));
    EXPECT_EQ(device.once().exit_code, 75);
    EXPECT_EQ(fakes::content_of(device.credential_file()), credential_before);
    EXPECT_TRUE(service.takes(old_key));

    service.faults.clear();
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_NE(device.credential("key_name"), old_name);
    EXPECT_TRUE(service.takes(device.credential("key")));
    auto names = std::vector{old_name, device.credential("key_name")};
    auto listed = service.key_names();
    std::ranges::sort(names);
    std::ranges::sort(listed);
    EXPECT_EQ(listed, names) << "the old key is another installation's: it is left alone";
    EXPECT_TRUE(service.takes(old_key));
}

TEST_F(StateLost, WithItsDirectoryStartsAnewToo) {
    std::filesystem::remove_all(device.state_directory());
    EXPECT_EQ(device.once().exit_code, 0);
    EXPECT_NE(fakes::content_of(device.credential_file()), credential_before);
    EXPECT_EQ(service.key_names().size(), 2U);
    struct stat facts{};
    ASSERT_EQ(::stat(device.state_directory().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0711U);
}

// ---- damaged ----

struct Damage {
    const char* name;
    std::function<std::string(std::string)> of;

    friend void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }
};

struct StateDamaged : Provisioned, testing::WithParamInterface<Damage> {};

TEST_P(StateDamaged, IsKeptForAPersonToMendAndNothingIsDone) {
    const auto whole = state_before;
    put_state(GetParam().of(whole));
    remember();
    expect_held(65, "state-unreadable");
    put_state(whole);
    remember();
    expect_healthy_again();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    return at == std::string::npos ? "" : text.replace(at, from.size(), to);
}

INSTANTIATE_TEST_SUITE_P(
    E2e, StateDamaged,
    testing::Values(
        Damage{"empty", [](const std::string&) { return std::string{}; }},
        Damage{"cut_in_half", [](const std::string& text) { return text.substr(0, text.size() / 2); }},
        Damage{"zeroed", [](const std::string& text) { return std::string(text.size(), '\0'); }},
        Damage{"of_a_later_version",
               [](const std::string& text) { return replaced(text, "\"version\": 1", "\"version\": 2"); }},
        Damage{"without_its_key",
               [](const std::string& text) { return replaced(text, "\"secret\"", "\"secrets\""); }}));

using StateLoosened = Provisioned;

TEST_F(StateLoosened, IsTightenedAndTold) {
    ASSERT_EQ(::chmod(state_file().c_str(), 0644), 0);
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_NE(run.err.find("state-file-loosened"), std::string::npos) << run.err;
    struct stat facts{};
    ASSERT_EQ(::stat(state_file().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777U, 0600U);
    expect_nothing_touched();
}

// ---- another's ----

struct Change {
    const char* name;
    std::string from;
    std::string to;

    friend void PrintTo(const Change& change, std::ostream* out) { *out << change.name; }
};

struct IdentityChanged : Provisioned, testing::WithParamInterface<Change> {};

TEST_P(IdentityChanged, ChangesNothingAnywhereUntilTheSettingReturns) {
    change_settings(GetParam().from, GetParam().to);
    expect_held(78, "identity-changed");
    device.write_settings();
    expect_healthy_again();
}

INSTANTIATE_TEST_SUITE_P(E2e, IdentityChanged,
                         testing::Values(Change{"owner", "site-7@example.com", "site-8@example.com"},
                                         Change{"app", "app: devices", "app: others"},
                                         Change{"device", "literal: bench-1", "literal: bench-2"},
                                         Change{"service", "https://127.0.0.1:", "https://localhost:"}));

using AnotherOwner = Story;

TEST_F(AnotherOwner, InTheSettingsLeavesAnUnansweredCreateAlone) {
    service.faults.at("POST", "/auth/api_keys", fakes::drop_after());
    expect_run(75, "answer-lost");
    const auto before = device.state_text();
    const auto asked = service.served().size();
    change_settings("site-7@example.com", "site-8@example.com");
    expect_run(78, "identity-changed");
    EXPECT_EQ(device.state_text(), before);
    EXPECT_EQ(service.served().size(), asked);
    device.write_settings();
    expect_settled_by_a_run();
}

TEST_F(AnotherOwner, AsTheServiceSeesItLeavesBothOwnersKeysAlone) {
    ASSERT_TRUE(service.store->set_provider(app, "custom-function", true, ""));
    service.faults.set_function([](const std::string&) { return "site-7"; });
    device.owner_lines = "  provider: custom-function\n";
    device.secret = R"({"say": "open sesame"})";
    device.write_settings();
    service.faults.at("POST", "/auth/api_keys", fakes::drop_after());
    EXPECT_EQ(device.once().reason, "answer-lost");
    const auto before = device.state_text();
    const auto keys_of = [&](const std::string& subject) {
        const auto user = service.store->find_user(app, "custom-function", subject).value();
        return user ? service.store->keys(user->id).value().size() : 0;
    };
    EXPECT_EQ(keys_of("site-7"), 1U);

    service.faults.set_function([](const std::string&) { return "site-8"; });
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, 78) << run.err;
    EXPECT_EQ(run.reason, "identity-changed");
    EXPECT_EQ(device.state_text(), before);
    EXPECT_EQ(keys_of("site-7"), 1U);
    EXPECT_EQ(keys_of("site-8"), 0U);

    service.faults.set_function([](const std::string&) { return "site-7"; });
    EXPECT_EQ(device.once().exit_code, 0);
    EXPECT_EQ(keys_of("site-7"), 1U);
}

// ---- a copy ----

using Clone = Provisioned;

TEST_F(Clone, OnAnotherMachineTouchesNothing) {
    if (state()->getValue<std::string>("machine").empty()) GTEST_SKIP() << "this machine has no machine-id";
    change_state([](Object& json) { json.set("machine", "another"); });
    remember();
    expect_held(78, "clone-suspected");
}

TEST_F(Clone, OfAnOldBackupThatFindsItsTwinsKeyTouchesNothing) {
    change_state([](Object& json) { json.remove("current"); });
    remember();
    const auto run = device.once();
    EXPECT_EQ(run.exit_code, 78) << run.err;
    EXPECT_EQ(run.reason, "clone-suspected");
    EXPECT_NE(run.err.find(keys_before.at(0)), std::string::npos) << "whose key it is: " << run.err;
    EXPECT_EQ(service.count_of("POST api_keys 201"), 1U);
    // What it saw is remembered, and nothing else is changed.
    const auto after = state();
    EXPECT_EQ(after->getValue<std::string>("twin"), keys_before.at(0));
    EXPECT_FALSE(after->has("current") || after->has("intent") || after->has("others"));
    EXPECT_EQ(service.key_names(), keys_before);
    EXPECT_EQ(fakes::content_of(device.credential_file()), credential_before);
}

}  // namespace
}  // namespace devkey::e2e
