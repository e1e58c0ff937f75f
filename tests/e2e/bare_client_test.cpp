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

    /// What was served since the mark, in which `removed` is the id of a key.
    static std::vector<std::string> rotation(const Service& service, std::size_t mark,
                                             const std::string& removed) {
        const auto all = service.served();
        std::vector<std::string> lines(all.begin() + static_cast<std::ptrdiff_t>(mark), all.end());
        std::ranges::replace(lines, "DELETE " + removed + " 204", "DELETE the-former-key 204");
        return lines;
    }
    /// By a daemon, with a policy that removes the key before at once.
    std::vector<std::string> rotation_of_devkeyd() {
        fakes::put(ours.directory.file("policy.yaml"),
                   "version: 1\nsuperseded: {keep_enabled: 0s, then: delete}\n");
        ours.more_lines = "policy: policy.yaml\n";
        ours.write_settings();
        EXPECT_EQ(ours.once().exit_code, 0);
        const auto former = ours.credential("key_id");
        const auto mark = service_of_devkeyd.served().size();
        Daemon daemon(ours);
        EXPECT_TRUE(daemon.tells("STATUS=healthy"));
        daemon.process().signal(SIGUSR1);
        EXPECT_TRUE(
            fakes::wait_until([&] { return service_of_devkeyd.count_of("DELETE session 204") == 4; }));
        EXPECT_EQ(daemon.process().end(SIGTERM), 0);
        return rotation(service_of_devkeyd, mark, former);
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

TEST_F(BareClient, ReplacesAKeyWithTheRequestsOfDevkeyd) {
    run_bare_client("bare-1");
    const auto former = theirs.credential("key_id");
    const auto mark = service_of_bare.served().size();
    run_bare_client("bare-2", {"--rotate"});
    expect_published_key("bare-2");
    EXPECT_EQ(rotation(service_of_bare, mark, former), rotation_of_devkeyd());
}

}  // namespace
}  // namespace devkey::e2e
