// A fleet on one machine: devices that are folders, their agents, owners, an inventory, and the scripts.
#pragma once

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fakes/process.hpp"
#include "fakes/temporary_directory.hpp"

namespace devkey::e2e {
class RealService;
}

namespace devkey::fleet {

using Poco::JSON::Object;
using Words = std::vector<std::string>;

struct Told {
    int exit_code = 0;
    std::string out;
    std::string err;

    [[nodiscard]] Object::Ptr json() const;
};

/// A script under way, in a process group of its own.
class Script : public fakes::Process {
 public:
    using Process::Process;
    /// Waits for eight minutes at most: forty agents share the machine with other tests.
    Told finish();
    /// As a power cut on the workstation would.
    void kill_group() const { ::kill(-pid(), SIGKILL); }
};

struct Fleet : testing::Test {
    Fleet();
    ~Fleet() override;

    /// So many devices, `press-01` and so on, whose owners take turns, in an inventory.
    void make(int count, int owner_count);
    /// What the inventory gives to the devices of an owner; `secret`: the file it is in.
    [[nodiscard]] std::string settings(const std::string& owner, const std::string& secret) const;

    /// A script of tools/fleet/, and its words.
    [[nodiscard]] std::unique_ptr<Script> begin(Words words);
    Told run(Words words) { return begin(std::move(words))->finish(); }
    [[nodiscard]] Words provisioning(const Words& more = {}) const;
    /// All devices, by all its parts.
    void provision();

    /// The generations of all keys of all owners, by device: `press-01 1`.
    [[nodiscard]] Words keys() const;
    /// What keys() is when each device has one, of this generation.
    [[nodiscard]] Words each(int generation) const;
    [[nodiscard]] std::size_t enabled_keys() const;
    /// The service's, a line for each request.
    [[nodiscard]] std::string log() const;

    [[nodiscard]] Object::Ptr result(const std::string& name) const;
    [[nodiscard]] std::string word(const std::string& name, const std::string& field) const {
        return result(name)->getValue<std::string>(field);
    }
    [[nodiscard]] std::size_t result_count() const;
    /// The device's agent, if it runs.
    void end_agent(const std::string& name, int signal) const;

    [[nodiscard]] std::string devices() const { return directory.file("d"); }
    [[nodiscard]] std::string folder(const std::string& name) const { return devices() + "/" + name; }
    [[nodiscard]] std::string inventory() const { return directory.file("inventory"); }
    /// Where the scripts keep their own files while they run.
    [[nodiscard]] std::string temporary() const { return directory.file("tmp"); }
    [[nodiscard]] std::string results() const { return inventory() + ".results"; }

    fakes::TemporaryDirectory directory;
    Words names;
    Words owners;
    std::string password;

 private:
    void add_owner();
    [[nodiscard]] std::string add_device(const std::string& owner);

    std::unique_ptr<e2e::RealService> service_;
    int runs_ = 0;
};

}  // namespace devkey::fleet
