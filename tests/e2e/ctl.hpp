// devkeyctl, the real program, about a device with its first key.
#pragma once

#include <grp.h>

#include <string>
#include <vector>

#include "e2e/requests.hpp"

namespace devkey::e2e {

/// What a run of devkeyctl came to.
struct Told {
    int exit_code = 0;
    std::string out;
    std::string err;

    [[nodiscard]] Poco::JSON::Object::Ptr json() const {
        return Poco::JSON::Parser().parse(out).extract<Poco::JSON::Object::Ptr>();
    }
    [[nodiscard]] std::string field(const std::string& name) const {
        return json()->getValue<std::string>(name);
    }
};

struct Ctl : Asked {
    void start_ready() {
        start_daemon();
        EXPECT_EQ(ctl({"wait-ready"}).exit_code, 0);
    }
    [[nodiscard]] Told run(std::vector<std::string> words) {
        words.insert(words.end(), {"--socket", device.control_socket()});
        fakes::Process process(std::move(words), device.next_output());
        const int exit_code = process.wait();
        return {exit_code, process.output(), process.errors()};
    }
    [[nodiscard]] Told ctl(const std::vector<std::string>& arguments) {
        std::vector<std::string> words{DEVKEYCTL};
        words.insert(words.end(), arguments.begin(), arguments.end());
        return run(words);
    }
    /// As a user of no rights, in the group `group`.
    [[nodiscard]] Told ctl_as_nobody(const std::vector<std::string>& arguments, const std::string& group) {
        const auto program = device.directory.file("devkeyctl");  // the built one may be out of reach
        std::filesystem::copy_file(DEVKEYCTL, program, std::filesystem::copy_options::overwrite_existing);
        ::chmod(device.directory.path.c_str(), 0711);
        ::chmod(program.c_str(), 0755);
        const auto* entry = ::getgrnam(group.c_str());
        EXPECT_NE(entry, nullptr) << group;
        // Nor is what a sanitizer is told to read within its reach.
        std::vector<std::string> words{"env",
                                       "-u",
                                       "TSAN_OPTIONS",
                                       "setpriv",
                                       "--reuid=65534",
                                       "--regid=65534",
                                       "--groups=" + std::to_string(entry == nullptr ? 0 : entry->gr_gid),
                                       program};
        words.insert(words.end(), arguments.begin(), arguments.end());
        return run(words);
    }
};

}  // namespace devkey::e2e
