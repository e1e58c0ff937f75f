// A fleet on one machine: devices that are folders, their agents, owners, an inventory, and the scripts.
#pragma once

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/key_name.hpp"
#include "e2e/real_service.hpp"
#include "fakes/process.hpp"

namespace devkey::fleet {

using Poco::JSON::Object;
using Words = std::vector<std::string>;

struct Told {
    int exit_code = 0;
    std::string out;
    std::string err;

    [[nodiscard]] Object::Ptr json() const { return Poco::JSON::Parser().parse(out).extract<Object::Ptr>(); }
};

/// A script under way, in a process group of its own.
class Script : public fakes::Process {
 public:
    using Process::Process;
    Told finish() {
        // More than wait() would give it: a minute at a time.
        while (is_running() && fakes::wait_until([this] { return !is_running(); }) == false && ++minutes_ < 3)
            continue;
        const int exit_code = wait();
        return {exit_code, output(), errors()};
    }
    /// As a power cut on the workstation would.
    void kill_group() { ::kill(-pid(), SIGKILL); }
    static bool lead_group() { return ::setpgid(0, 0) == 0; }

 private:
    int minutes_ = 0;
};

struct Fleet : testing::Test {
    Fleet() {
        std::filesystem::create_directories(bin());
        std::filesystem::create_directories(devices());
        std::filesystem::create_symlink(DEVKEYD, bin() + "/devkeyd");
        std::filesystem::create_symlink(DEVKEYCTL, bin() + "/devkeyctl");
        // A grace of its shortest, and a slot for the next key at once when it is over.
        directory.write("policy.yaml",
                        "version: 1\nsuperseded: {keep_enabled: 5s, then: delete}\n" + more_policy);
    }
    ~Fleet() override {
        for (const auto& name : names) end_agent(name, SIGKILL);
    }

    /// So many devices, whose owners take turns, in an inventory.
    void make(int count, int owner_count) {
        for (int at = 1; at <= owner_count; ++at) add_owner();
        std::string lines = "# DEVICE TARGET SETTINGS\n\n";
        for (int at = 0; at < count; ++at)
            lines += add_device(owners[static_cast<std::size_t>(at % owner_count)]);
        fakes::put(inventory(), lines);
    }
    void add_owner() {
        const auto owner = service.add_owner();
        owners.push_back(owner);
        directory.write(owner + ".secret", service.password);
        directory.write(owner + ".yaml", settings(owner, devices() + "/@DEVICE@/etc/owner-secret"));
        // For the workstation itself.
        directory.write(owner + "-here.yaml", settings(owner, directory.file(owner + ".secret")));
    }
    [[nodiscard]] std::string add_device(const std::string& owner) {
        const auto number = names.size() + 1;
        names.push_back("press-" + std::string(number < 10 ? "0" : "") + std::to_string(number));
        const auto& name = names.back();
        std::filesystem::create_directory(folder(name));
        return name + " " + name + " " + owner + ".yaml policy=policy.yaml secret=" + owner +
               ".secret dir=" + folder(name) + "/etc socket=" + folder(name) +
               "/control.sock owner=" + owner + "-here.yaml\n";
    }
    [[nodiscard]] std::string settings(const std::string& owner, const std::string& secret) const {
        const auto at = devices() + "/@DEVICE@";
        return "version: 1\nservice: {kind: app-services, url: '" + service.url() +
               "', app: devices, ca_file: " + service.authority.ca_file() +
               "}\nowner:\n  provider: local-userpass\n  username: " + owner + "\n  secret: {file: '" +
               secret + "'}\ndevice: {id: {literal: '@DEVICE@'}}\ncredential_file: {path: '" + at +
               "/credential.json'}\nstate_directory: '" + at + "/state'\ncontrol: {socket: '" + at +
               "/control.sock'}\npolicy: policy.yaml\n";
    }

    [[nodiscard]] std::unique_ptr<Script> begin(Words words) {
        words.front() = DEVKEY_SOURCE_DIR "/tools/fleet/" + words.front();
        const std::string here = DEVKEY_SOURCE_DIR "/tests/fleet/";
        const char* path = ::getenv("PATH");
        return std::make_unique<Script>(
            std::move(words), directory.file("run-" + std::to_string(++runs)),
            Words{"FLEET_SSH=" + here + "on_this_machine", "FLEET_DEVICES=" + devices(),
                  "FLEET_INVENTORY=" + inventory(),
                  "PATH=" + bin() + ":" + (path == nullptr ? "/usr/bin:/bin" : path)},
            Script::lead_group);
    }
    Told run(Words words) { return begin(std::move(words))->finish(); }
    [[nodiscard]] Words provisioning(const Words& more = {}) const {
        Words words{"provision", inventory(), "--user",
                    "",          "--start",   DEVKEY_SOURCE_DIR "/tests/fleet/start_here"};
        words.insert(words.end(), more.begin(), more.end());
        return words;
    }
    void provision() {
        const auto told = run(provisioning());
        ASSERT_EQ(told.exit_code, 0) << told.out << told.err;
    }

    [[nodiscard]] std::vector<core::KeyName> keys_of(const std::string& owner) const {
        std::vector<core::KeyName> keys;
        for (const auto& key : service.keys(owner))
            if (auto name = core::parse_key_name(key.name)) keys.push_back(*std::move(name));
        return keys;
    }
    /// The generations of all keys of all owners, by device: `press-01 1`.
    [[nodiscard]] Words keys() const {
        Words all;
        for (const auto& owner : owners)
            for (const auto& key : keys_of(owner))
                all.push_back(key.device + " " + std::to_string(key.generation));
        std::ranges::sort(all);
        return all;
    }
    /// What keys() is when each device has one, of this generation.
    [[nodiscard]] Words each(int generation) const {
        Words all;
        for (const auto& name : names) all.push_back(name + " " + std::to_string(generation));
        return all;
    }
    [[nodiscard]] Object::Ptr result(const std::string& name) const {
        return Poco::JSON::Parser()
            .parse(fakes::content_of(results() + "/" + name + ".json"))
            .extract<Object::Ptr>();
    }
    [[nodiscard]] std::string word(const std::string& name, const std::string& field) const {
        return result(name)->getValue<std::string>(field);
    }
    [[nodiscard]] std::size_t result_count() const {
        std::size_t count = 0;
        if (!std::filesystem::exists(results())) return 0;
        for (const auto& entry : std::filesystem::directory_iterator(results()))
            count += entry.path().filename().string().starts_with("press-") ? 1U : 0U;
        return count;
    }
    void end_agent(const std::string& name, int signal) const {
        const auto file = folder(name) + "/pid";
        if (!std::filesystem::exists(file)) return;
        const auto pid = std::stoi("0" + fakes::content_of(file));
        if (pid <= 1) return;
        ::kill(pid, signal);
        fakes::wait_until([&] { return ::kill(pid, 0) != 0 || is_zombie(pid); });
        std::filesystem::remove(file);
    }
    static bool is_zombie(int pid) {
        return fakes::content_of("/proc/" + std::to_string(pid) + "/stat").contains(") Z ");
    }

    [[nodiscard]] std::string bin() const { return directory.file("bin"); }
    [[nodiscard]] std::string devices() const { return directory.file("d"); }
    [[nodiscard]] std::string folder(const std::string& name) const { return devices() + "/" + name; }
    [[nodiscard]] std::string inventory() const { return directory.file("inventory"); }
    [[nodiscard]] std::string results() const { return inventory() + ".results"; }

    e2e::RealService service;
    fakes::TemporaryDirectory directory;
    Words names;
    Words owners;
    std::string more_policy;
    int runs = 0;
};

}  // namespace devkey::fleet
