// What the policy lets go of a former life or a twin (`other_installations`), and not before its time.
#include <atomic>

#include "e2e/former_life.hpp"
#include "e2e/life.hpp"

namespace devkey::e2e {
namespace {

using fakes::wait_until;
using namespace std::chrono_literals;

struct OtherInstallations : FormerLife, testing::WithParamInterface<std::string> {
    void SetUp() override {
        FormerLife::SetUp();
        for (const auto& key : service.keys())
            if (key.name == old_name) old_id = key.id;
    }
    void set_policy_of(const std::string& after) {
        set_policy("rotate: {after: never}\nwatchdog: {jitter: 0%, key_listed: {every: 1s}}\n" +
                   std::string("other_installations: {action: ") + GetParam() + ", after: " + after + "}\n");
    }
    [[nodiscard]] bool deletes() const { return GetParam() == "delete"; }
    /// How often this key was disabled or deleted; of the former only one is in a test.
    [[nodiscard]] std::size_t ends_of(const std::string& id) const {
        return service.count_of(deletes() ? "DELETE " + id + " 204" : "PUT disable 204");
    }
    /// As if nobody had run for so long.
    void age(core::Millis by) const { fakes::put(state_file(), aged(device.state_text(), by)); }
    /// When this key was first seen; none: it wasn't, or it is gone.
    [[nodiscard]] std::optional<core::Instant> seen_at(const std::string& name) const {
        const auto others = state()->getArray("others");
        for (unsigned at = 0; !others.isNull() && at < others->size(); ++at)
            if (others->getObject(at)->getValue<std::string>("name") == name)
                return core::parse_instant(others->getObject(at)->getValue<std::string>("seen_at")).value();
        return std::nullopt;
    }
    void run_well() {
        const auto run = device.once();
        EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
        EXPECT_EQ(run.reason, "healthy") << run.out;
    }
    void expect_gone() const {
        EXPECT_FALSE(service.takes(old_key));
        expect_listed(deletes() ? Names{} : Names{old_name});
        EXPECT_EQ(ends_of(old_id), 1U);
    }

    std::string old_id;
};

TEST_P(OtherInstallations, KeepTheirKeysUntilTheTimeHasCome) {
    set_policy_of("2h");
    age(1h + 55min);
    run_well();
    EXPECT_TRUE(service.takes(old_key)) << "not before its time";
    expect_listed({old_name});
    EXPECT_EQ(ends_of(old_id), 0U);

    age(6min);
    run_well();
    expect_gone();
    age(std::chrono::days{1});
    run_well();
    expect_gone();  // once
}

// A twin's key comes while a daemon runs, which counts from when it sees it.
TEST_P(OtherInstallations, KeepAKeyThatComesLaterForAsLong) {
    set_policy_of("5s");
    age(1min);
    run_well();
    expect_gone();
    start_daemon();
    ASSERT_TRUE(logs("healthy")) << log();
    const std::string id = "abcdef0123456789abcdef01";
    std::atomic<core::Instant> ended{core::Instant{}};
    service.faults.at(deletes() ? "DELETE" : "PUT", id + (deletes() ? "" : "/disable"),
                      [&](server::Exchange& exchange) {
                          ended = std::chrono::floor<core::Millis>(std::chrono::system_clock::now());
                          exchange.send(exchange.bytes_of(exchange.carry_out()));
                      });
    const auto twin = old_name.substr(0, old_name.size() - 4) + "aaaa";
    ASSERT_TRUE(service.store->add_key({id, "user-1", twin, false}, server::sha256("the twin's")));
    std::optional<core::Instant> seen;
    ASSERT_TRUE(wait_until([&] { return (seen = seen_at(twin)).has_value(); })) << log();
    ASSERT_TRUE(wait_until([&] { return !service.takes("the twin's"); })) << log();
    // The service tells the time in whole seconds.
    EXPECT_GE(ended.load() - *seen, 5s - 1s) << "not before its time";
    EXPECT_TRUE(wait_until([&] { return deletes() == !seen_at(twin).has_value(); })) << log();
    EXPECT_EQ(daemon->end(SIGTERM), 0) << log();
    expect_listed(deletes() ? Names{} : Names{old_name, twin});
}

INSTANTIATE_TEST_SUITE_P(E2e, OtherInstallations, testing::Values("disable", "delete"),
                         [](const auto& action) { return action.param; });

}  // namespace
}  // namespace devkey::e2e
