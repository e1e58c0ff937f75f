// A fleet's keys are replaced batch by batch, and no further than a batch that isn't healthy.
#include "fleet/fleet.hpp"

namespace devkey::fleet {
namespace {

struct Rotate : Fleet {
    /// By device, in the inventory's order, as the agents say; 0: no answer.
    [[nodiscard]] std::vector<int> generations() {
        std::vector<int> all;
        const auto told = run({"status", inventory(), "--json"}).json()->getArray("devices");
        for (unsigned at = 0; at < told->size(); ++at) {
            const auto status = told->getObject(at)->getObject("status");
            all.push_back(status ? status->getObject("key")->getValue<int>("generation") : 0);
        }
        return all;
    }
    Told rotate(const Words& more) {
        Words words{"rotate", inventory()};
        words.insert(words.end(), more.begin(), more.end());
        return run(std::move(words));
    }
};

TEST_F(Rotate, GoesBatchByBatchAndStopsAtOneThatIsNotHealthy) {
    make(9, 3);
    provision();
    const auto all = rotate({"--batch", "3"});
    EXPECT_EQ(all.exit_code, 0) << all.out << all.err;
    EXPECT_TRUE(all.out.ends_with("batch 3 of 3: 3 healthy, 0 not\n")) << all.out;
    EXPECT_EQ(generations(), (std::vector<int>{2, 2, 2, 2, 2, 2, 2, 2, 2}));

    end_agent("press-05", SIGTERM);
    const Words compromised{"--compromised", "--batch", "34%"};
    const auto stopped = rotate(compromised);
    EXPECT_EQ(stopped.exit_code, 1) << stopped.out;
    EXPECT_TRUE(stopped.out.ends_with("batch 2 of 3: 2 healthy, 1 not\n")) << stopped.out;
    EXPECT_TRUE(stopped.out.contains("press-05                 not-healthy: ")) << stopped.out;
    EXPECT_EQ(generations(), (std::vector<int>{3, 3, 3, 3, 0, 3, 2, 2, 2}));

    provision();  // starts it again
    const auto rest = rotate(compromised);
    EXPECT_EQ(rest.exit_code, 0) << rest.out << rest.err;
    EXPECT_TRUE(rest.out.contains("5 are done")) << rest.out;
    EXPECT_EQ(generations(), (std::vector<int>{3, 3, 3, 3, 3, 3, 3, 3, 3}));
    // No grace for leaked keys; those of before had theirs.
    EXPECT_TRUE(fakes::wait_until([&] { return enabled_keys() == 9; }));
}

TEST_F(Rotate, KilledInTheMiddleReplacesEachKeyOnce) {
    make(8, 2);
    provision();
    auto killed = begin({"rotate", inventory(), "--batch", "4"});
    ASSERT_TRUE(fakes::wait_until([&] {
        return std::filesystem::exists(results() + "/rotation/from.press-03") || !killed->is_running();
    }));
    killed->kill_group();
    killed->finish();
    const auto told = rotate({"--batch", "4"});
    EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
    EXPECT_EQ(generations(), (std::vector<int>{2, 2, 2, 2, 2, 2, 2, 2}));
    EXPECT_FALSE(std::filesystem::exists(results() + "/rotation"));
}

TEST_F(Rotate, GoesOnWhereItIsToldTo) {
    make(3, 1);
    provision();
    end_agent("press-01", SIGTERM);
    const auto told = rotate({"--compromised", "--batch", "1", "--keep-going", "--json"});
    EXPECT_EQ(told.exit_code, 1) << told.err;
    Words results;
    const auto devices = told.json()->getArray("devices");
    for (unsigned at = 0; at < devices->size(); ++at)
        results.push_back(devices->getObject(at)->getValue<std::string>("result"));
    EXPECT_EQ(results, (Words{"not-healthy", "rotated", "rotated"}));
    EXPECT_EQ(generations(), (std::vector<int>{0, 2, 2}));
    EXPECT_EQ(told.json()->getValue<int>("resumed"), 0);
    // Another time, nobody may remember that it was stopped.
    const auto rest = rotate({"--compromised", "--json"});
    EXPECT_EQ(rest.exit_code, 1) << rest.err;
    EXPECT_EQ(rest.json()->getValue<int>("resumed"), 2);
    EXPECT_EQ(rest.json()->getValue<int>("batches"), 1);
    EXPECT_EQ(generations(), (std::vector<int>{0, 2, 2}));
}

}  // namespace
}  // namespace devkey::fleet
