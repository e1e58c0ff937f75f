// A device under a policy: its life with the daemon, and with the people at the service.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "e2e/people.hpp"
#include "e2e/story.hpp"

namespace devkey::e2e {

/// Every time in a state moved back: it is then a state of a device that was switched off for so long.
inline std::string aged(const std::string& state, core::Millis by) {
    static const std::regex time(R"(\d{4}-\d\d-\d\dT[0-9:.]+Z)");
    std::string text;
    auto from = state.begin();
    for (std::sregex_iterator at(state.begin(), state.end(), time), end; at != end; ++at) {
        text.append(from, state.begin() + at->position());
        text += core::format_instant(core::parse_instant(at->str()).value() - by);
        from = state.begin() + at->position() + at->length();
    }
    return text.append(from, state.end());
}

/// What the credential file holds, and since when.
struct Published {
    std::string id;
    std::string name;
    std::string generation;
    std::string secret;
    std::chrono::nanoseconds at{};  ///< since 1970
};

struct LifeStory : Story {
    /// `lines`: the policy without its version.
    void set_policy(const std::string& lines) {
        fakes::put(device.directory.file("policy.yaml"), "version: 1\n" + lines);
        device.more_lines = "policy: policy.yaml\n";
        device.write_settings();
    }
    void start(std::vector<std::string> before = {}) {
        daemon.reset();
        daemon.emplace(device, std::move(before));
    }
    void stop() { ASSERT_EQ(daemon->process().end(SIGTERM), 0) << log(); }
    /// As if devkeyd, which doesn't run now, had been off for so long.
    void age(core::Millis by) const { fakes::put(state_file(), aged(device.state_text(), by)); }
    /// For a status that lasts: of those that follow each other quickly, not each is told.
    [[nodiscard]] bool tells(const std::string& status) { return daemon->tells("STATUS=" + status); }
    [[nodiscard]] std::string log() { return daemon->process().errors(); }

    [[nodiscard]] Published published() const {
        struct stat facts{};
        ::stat(device.credential_file().c_str(), &facts);
        const auto read = Poco::JSON::Parser()
                              .parse(fakes::content_of(device.credential_file()))
                              .extract<Poco::JSON::Object::Ptr>();
        const auto field = [&](const char* name) { return read->getValue<std::string>(name); };
        return {field("key_id"), field("key_name"), field("generation"), field("key"),
                std::chrono::seconds{facts.st_mtim.tv_sec} + std::chrono::nanoseconds{facts.st_mtim.tv_nsec}};
    }
    /// Waits until the key of this generation is.
    [[nodiscard]] Published published(const std::string& generation) const {
        EXPECT_TRUE(fakes::wait_until([&] {
            return device.has_credential() && device.credential("generation") == generation;
        })) << "generation "
            << generation << " was never published";
        return published();
    }

    [[nodiscard]] bool takes(const std::string& secret) const {
        return logs_in(service.port(), service.authority.ca_file(), secret);
    }
    [[nodiscard]] OwnerSession owner_session() const {
        return {service.port(), service.authority.ca_file(), owner, password};
    }
    /// As the service lists it to its owner; none: it doesn't.
    [[nodiscard]] std::optional<ListedKey> listed(const std::string& id) const {
        const auto keys = owner_session().keys();
        const auto found = std::ranges::find(keys, id, &ListedKey::id);
        return found == keys.end() ? std::nullopt : std::optional(*found);
    }
    [[nodiscard]] std::vector<std::string> served_since(std::size_t mark) const {
        const auto all = service.served();
        return {all.begin() + static_cast<std::ptrdiff_t>(mark), all.end()};
    }

    /// Waits until this was served since the mark so many times.
    [[nodiscard]] bool is_served(const std::string& line, std::size_t mark, std::ptrdiff_t times = 1) const {
        return fakes::wait_until([&] { return std::ranges::count(served_since(mark), line) >= times; });
    }

    std::optional<Daemon> daemon;
};

}  // namespace devkey::e2e
