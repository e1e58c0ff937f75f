// A life that is interrupted: devkeyd killed before it had an answer, and a service that isn't there when a
// rotation is due.
#include "e2e/life.hpp"
#include "e2e/sockets.hpp"

namespace devkey::e2e {
namespace {

using namespace std::chrono_literals;
using fakes::wait_until;

// ---- kill -9

struct Killed : LifeStory {
    /// When the service has made the key and its answer is on its way. What nobody knows the secret of is
    /// left.
    void kill_in_create() {
        const auto known = service.keys();
        const auto gate = std::make_shared<fakes::Gate>();
        service.faults.at("POST", "/auth/api_keys", fakes::delay_after(gate));
        start();
        ASSERT_TRUE(gate->reached()) << log();
        ASSERT_EQ(daemon->process().end(SIGKILL), -SIGKILL);
        const auto so_far = service.served().size();
        gate->open();
        ASSERT_TRUE(wait_until([&] { return service.served().size() > so_far; }));  // the answer to nobody
        const auto keys = service.keys();
        ASSERT_EQ(keys.size(), known.size() + 1);
        for (const auto& key : keys)
            if (std::ranges::find(known, key.id, &server::StoredKey::id) == known.end()) stray = key;
        expect_no_key_unknown();
        mark = service.served().size();
    }
    /// The next start: the fence, the stray removed, the same name again; and no other create.
    void expect_settled(const std::string& generation) {
        start();
        static_cast<void>(published(generation));  // a rotation waits for its turn after a start
        ASSERT_TRUE(tells("healthy")) << log();
        std::vector<std::string> changes;
        for (const auto& made : served_since(mark))
            if (made.contains(" api_keys 4") || made.contains(" api_keys 201") || made.contains(stray.id))
                changes.push_back(made);
        EXPECT_EQ(changes, (std::vector<std::string>{"POST api_keys 409", "DELETE " + stray.id + " 204",
                                                     "POST api_keys 201"}));
        EXPECT_EQ(published().name, stray.name);
        EXPECT_NE(published().id, stray.id);
        EXPECT_TRUE(takes(published().secret));
        EXPECT_FALSE(state()->has("intent"));
        EXPECT_FALSE(state()->has("pending"));
    }

    server::StoredKey stray;
    std::size_t mark = 0;
};

TEST_F(Killed, InTheCreateOfTheFirstKeyLeavesAStrayThatTheNextStartRemoves) {
    kill_in_create();
    EXPECT_FALSE(device.has_credential());
    expect_settled("1");
    EXPECT_EQ(service.keys().size(), 1U);
}

TEST_F(Killed, InTheCreateOfARotationLeavesAStrayThatTheNextStartRemoves) {
    set_policy("rotate: {after: 10m}\nsuperseded: {keep_enabled: 5m, delete_after: 1h}\n");
    expect_settled_by_a_run();
    const auto old_key = published();
    age(std::chrono::hours{1});
    kill_in_create();
    EXPECT_EQ(published().id, old_key.id);
    EXPECT_TRUE(takes(old_key.secret));
    expect_settled("2");
    EXPECT_EQ(published().generation, "2");
    EXPECT_TRUE(takes(old_key.secret)) << "its grace has only begun";
    EXPECT_EQ(service.keys().size(), 2U);
}

// ---- offline

using Offline = LifeStory;

TEST_F(Offline, WhenARotationIsDueKeepsItsKeyAndRotatesLater) {
    set_policy(
        "rotate: {after: 5s, jitter: 0%}\nverify: {patience: 1s}\nsuperseded: {keep_enabled: 1s, "
        "delete_after: 1m}\n"
        "watchdog: {key_login: {every: never}, key_listed: {every: never}}\n");
    start();
    const auto old_key = published("1");
    ASSERT_TRUE(tells("healthy")) << log();
    service.stop();
    ASSERT_TRUE(tells("service-unavailable: ")) << log();
    EXPECT_TRUE(wait_until([&] { return log().contains("again_in=2s"); })) << log();
    {
        // Somebody listens there who hangs up on everyone, and counts them: the second and the third attempt.
        const DeadPort port(service.port());
        ASSERT_TRUE(wait_until([&] { return !port.calls().empty(); })) << log();
        // What needs no service is done all the time, and hurries nothing.
        std::filesystem::remove(device.credential_file());
        EXPECT_EQ(published("1").secret, old_key.secret);
        ASSERT_TRUE(wait_until([&] { return port.calls().size() >= 2; })) << log();
        const auto calls = port.calls();
        EXPECT_EQ(calls.size(), 2U);
        EXPECT_GE(calls.at(1) - calls.at(0), 3s) << "twice as long a wait as the first, of 2 s";
    }
    EXPECT_EQ(service.keys().size(), 1U);
    EXPECT_TRUE(service.takes(old_key.secret));
    service.start(service.authority.issue("127.0.0.1"));
    EXPECT_TRUE(takes(published("2").secret)) << log();
    EXPECT_EQ(daemon->process().end(SIGTERM), 0) << log();
}

}  // namespace
}  // namespace devkey::e2e
