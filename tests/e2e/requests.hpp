// A device with its first key, of which a person asks something: to leave, to come back, to take over.
#pragma once

#include <sysexits.h>

#include <optional>

#include "e2e/search.hpp"
#include "e2e/story.hpp"

namespace devkey::e2e {

using Names = std::vector<std::string>;

/// A device with its first key.
struct Asked : Story {
    void SetUp() override {
        expect_settled_by_a_run();
        old_key = device.credential("key");
        old_name = device.credential("key_name");
    }
    void set_policy(const std::string& lines) {
        fakes::put(device.directory.file("policy.yaml"), "version: 1\n" + lines);
        device.more_lines = "policy: policy.yaml\n";
        device.write_settings();
    }
    /// Without a socket: nothing that it tells makes it wait for us.
    void start_daemon() {
        daemon.reset();
        daemon.emplace(device.words({}), device.next_output());
    }
    /// Asks a daemon that runs well to decommission; it waits before its DELETE until the gate opens.
    [[nodiscard]] fakes::Process ask_to_leave(const std::shared_ptr<fakes::Gate>& gate) {
        start_daemon();
        EXPECT_TRUE(logs("healthy")) << log();
        service.faults.at("DELETE", "", fakes::delay_before(gate));
        return fakes::Process{device.words({"--decommission", "--json"}), device.next_output()};
    }
    /// Waits until its log has it.
    [[nodiscard]] bool logs(const std::string& text) const {
        return fakes::wait_until([&] { return log().contains(text) || !daemon->is_running(); }) &&
               log().contains(text);
    }
    [[nodiscard]] std::string log() const { return daemon->errors(); }
    [[nodiscard]] bool is_asked() const { return std::filesystem::exists(requests_file()); }
    [[nodiscard]] std::string requests_file() const { return device.state_directory() + "/requests.json"; }

    /// Neither the first key nor another is left on the device, in any file of it, the logs among them.
    void expect_no_secret() const {
        EXPECT_FALSE(device.has_credential());
        EXPECT_FALSE(state()->has("current"));
        EXPECT_FALSE(state()->has("pending"));
        EXPECT_FALSE(device.state_text().contains("\"secret\""));
        EXPECT_EQ(finds({{"the key", old_key}}, files_below(device.directory.path, {})), Names{});
    }
    void expect_out_of_service() const {
        EXPECT_EQ(service.key_names(), Names{});
        EXPECT_FALSE(service.takes(old_key));
        EXPECT_TRUE(state()->has("decommissioned_at"));
        EXPECT_FALSE(is_asked());
        expect_no_secret();
    }
    /// It ends with 0, and with nothing left.
    void decommission() {
        const auto run = device.run("--decommission");
        EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
        EXPECT_EQ(run.result, "decommissioned") << run.out;
        EXPECT_EQ(run.reason, "decommissioned") << run.out;
        expect_out_of_service();
    }
    /// A run with --once has nothing to do, and says so.
    void expect_rest() {
        const auto before = device.state_text();
        const auto asked = service.served().size();
        const auto run = device.once();
        EXPECT_EQ(run.exit_code, EX_UNAVAILABLE) << run.err << run.out;
        EXPECT_EQ(run.result, "decommissioned") << run.out;
        EXPECT_EQ(run.reason, "decommissioned") << run.out;
        EXPECT_FALSE(run.changed);
        EXPECT_NE(run.out.find("devkeyd --recommission takes it into service again"), std::string::npos)
            << run.out;
        EXPECT_EQ(service.served().size(), asked);
        EXPECT_EQ(device.state_text(), before);
        EXPECT_FALSE(device.has_credential());
    }
    void expect_second_generation() const {
        EXPECT_EQ(device.credential("generation"), "2");
        EXPECT_NE(device.credential("key"), old_key);
        EXPECT_TRUE(service.takes(device.credential("key")));
        EXPECT_FALSE(state()->has("decommissioned_at"));
        EXPECT_FALSE(is_asked());
    }

    std::string old_key;
    std::string old_name;
    std::optional<fakes::Process> daemon;
};

}  // namespace devkey::e2e
