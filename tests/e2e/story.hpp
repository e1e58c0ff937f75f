// What most stories end to end have: a service, a device, and the end that every story should have.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "e2e/device.hpp"
#include "e2e/service.hpp"

namespace devkey::e2e {

struct Scene {
    Service service;
    Device device{service.url(), service.authority.ca_file()};

    Scene() { device.write_settings(); }

    /// How long a new key may take until it logs in, as policy.yaml says it.
    void set_patience(const std::string& patience) {
        fakes::put(device.directory.file("policy.yaml"),
                   "version: 1\nverify: {patience: " + patience + "}\n");
        device.more_lines = "policy: policy.yaml\n";
        device.write_settings();
    }
    /// The bound of a whole request and its answer. Empty: the default, which no busy machine exceeds.
    void set_timeout(const std::string& timeout) {
        device.service_lines = timeout.empty() ? "" : "  timeout: " + timeout + "\n";
        device.write_settings();
    }

    /// Until the next write_settings.
    void change_settings(const std::string& from, const std::string& to) const {
        auto text = fakes::content_of(settings_file());
        const auto at = text.find(from);
        ASSERT_NE(at, std::string::npos) << from;
        fakes::put(settings_file(), text.replace(at, from.size(), to));
    }
    [[nodiscard]] std::string settings_file() const { return device.directory.file("devkeyd.yaml"); }
    [[nodiscard]] std::string state_file() const { return device.state_directory() + "/state.json"; }

    /// As before the first key: nothing on the device, nothing on the service.
    void start_over() const {
        std::filesystem::remove(state_file());
        std::filesystem::remove(device.credential_file());
        for (const auto& key : service.keys()) ASSERT_TRUE(service.store->remove_key(key.id));
    }

    [[nodiscard]] Poco::JSON::Object::Ptr state() const {
        return Poco::JSON::Parser().parse(device.state_text()).extract<Poco::JSON::Object::Ptr>();
    }
    /// Promise 2: the state names every key that the service lists.
    void expect_no_key_unknown() const {
        const auto text = fakes::content_of(state_file());  // none: empty
        for (const auto& name : service.key_names())
            EXPECT_NE(text.find('"' + name + '"'), std::string::npos) << name << " in " << text;
    }
    /// One key on the service: the published one. Nothing else is left open.
    void expect_only_the_published_key() const {
        ASSERT_TRUE(device.has_credential());
        EXPECT_EQ(service.key_names(), std::vector{device.credential("key_name")});
        EXPECT_TRUE(service.takes(device.credential("key")));
        EXPECT_FALSE(state()->has("intent"));
        EXPECT_FALSE(state()->has("pending"));
    }
    /// A run that ends well, with just that.
    void expect_settled_by_a_run() {
        const auto run = device.once();
        ASSERT_EQ(run.exit_code, 0) << run.err << run.out;
        expect_only_the_published_key();
    }
    /// A run that ends like this, with no key that nobody knows.
    void expect_run(int exit_code, const std::string& reason) {
        const auto run = device.once();
        EXPECT_EQ(run.exit_code, exit_code) << run.err << run.out;
        EXPECT_EQ(run.reason, reason) << run.err << run.out;
        expect_no_key_unknown();
    }
};

struct Story : testing::Test, Scene {};

}  // namespace devkey::e2e
