// The floor that tools/bench measures devkeyd against is one only while it does the same.
#include <gtest/gtest.h>

#include "e2e/device.hpp"
#include "e2e/service.hpp"

namespace devkey::e2e {
namespace {

struct BareClient : testing::Test {
    BareClient() {
        theirs.write_settings();
        ours.write_settings();
    }

    void run_bare_client(const std::string& name, const std::vector<std::string>& flags = {}) {
        std::vector<std::string> words{BARE_CLIENT, service_of_bare.url(),
                                       app,         service_of_bare.authority.ca_file(),
                                       owner,       theirs.directory.file("owner-secret"),
                                       name,        theirs.credential_file()};
        words.insert(words.end(), flags.begin(), flags.end());
        fakes::Process process(std::move(words), theirs.next_output());
        EXPECT_EQ(process.wait(), 0) << process.errors();
        EXPECT_EQ(process.output(), "ready\n");
    }
    void expect_published_key(const std::string& name) const {
        EXPECT_EQ(theirs.credential("key_name"), name);
        EXPECT_TRUE(service_of_bare.takes(theirs.credential("key")));
        EXPECT_EQ(service_of_bare.key_names(), std::vector{name});
    }

    Service service_of_bare;
    Service service_of_devkeyd;
    Device theirs{service_of_bare.url(), service_of_bare.authority.ca_file()};
    Device ours{service_of_devkeyd.url(), service_of_devkeyd.authority.ca_file()};
};

TEST_F(BareClient, MakesTheRequestsOfDevkeydForAFirstKeyAndNoneForAStart) {
    ASSERT_EQ(ours.once().exit_code, 0);
    const auto wanted = service_of_devkeyd.served();
    for (int i = 0; i < 2; ++i) {
        run_bare_client("bare-1");
        EXPECT_EQ(service_of_bare.served(), wanted);
        EXPECT_EQ(service_of_bare.owner_log_ins(), service_of_devkeyd.owner_log_ins());
        expect_published_key("bare-1");
    }
}

TEST_F(BareClient, ReplacesAKey) {
    run_bare_client("bare-1");
    run_bare_client("bare-2", {"--rotate"});
    expect_published_key("bare-2");
}

}  // namespace
}  // namespace devkey::e2e
