// A device that was installed anew, among others of its owner: its key of before is another installation's.
#pragma once

#include "e2e/requests.hpp"

namespace devkey::e2e {

/// The device was installed anew: its first key is another installation's.
struct FormerLife : Asked {
    void SetUp() override {
        Asked::SetUp();
        start_over_on_the_device();
        other.device_id = "{literal: bench-2}";
        other.write_settings();
        ASSERT_EQ(other.once().exit_code, 0);
        const auto run = device.once();
        ASSERT_EQ(run.exit_code, 0) << run.err << run.out;
        EXPECT_NE(run.err.find("other-installation"), std::string::npos) << run.err;
        EXPECT_NE(run.err.find(old_name), std::string::npos) << run.err;
        ASSERT_TRUE(service.store->add_key({"0123456789abcdef01234567", "user-1", "by-hand", false},
                                           server::sha256("made by hand")));
        EXPECT_EQ(service.keys().size(), 4U);
        EXPECT_TRUE(service.takes(old_key));
    }
    void start_over_on_the_device() const {
        std::filesystem::remove_all(device.state_directory());
        std::filesystem::remove(device.credential_file());
    }
    /// The keys that are none of a former life's are as they were; `more` are listed beside them.
    void expect_listed(const Names& more) const {
        auto wanted = Names{device.credential("key_name"), other.credential("key_name"), "by-hand"};
        wanted.insert(wanted.end(), more.begin(), more.end());
        auto names = service.key_names();
        std::ranges::sort(wanted);
        std::ranges::sort(names);
        EXPECT_EQ(names, wanted);
        EXPECT_TRUE(service.takes(device.credential("key")));
        EXPECT_TRUE(service.takes(other.credential("key")));
        EXPECT_TRUE(service.takes("made by hand"));
    }
    void expect_only_the_first_gone() const {
        EXPECT_FALSE(service.takes(old_key));
        expect_listed({});
        EXPECT_FALSE(state()->has("others"));
        EXPECT_FALSE(is_asked());
    }

    Device other{service.url(), service.authority.ca_file()};
};

}  // namespace devkey::e2e
