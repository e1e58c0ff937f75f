// Where the log goes: to a journal (a socket of the test's, where systemd's would be), or as JSON.
#include <algorithm>
#include <iterator>
#include <map>
#include <sstream>

#include "e2e/device.hpp"
#include "e2e/service.hpp"

namespace devkey::e2e {
namespace {

/// Listens as the journal does. Entries whose values are of one line come as text.
class Journal {
 public:
    explicit Journal(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("no journal socket");
    }
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal() {
        listener_ = {};
        ::close(socket_);
    }

    using Entry = std::map<std::string, std::string>;
    /// What came so far: all of it, once its sender has ended.
    [[nodiscard]] std::vector<Entry> entries() {
        listen();
        const std::lock_guard lock(mutex_);
        return entries_;
    }

 private:
    void listen() {
        const std::lock_guard lock(mutex_);
        std::array<char, 65536> buffer{};
        for (ssize_t size = 0; (size = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;) {
            std::istringstream lines{std::string(buffer.data(), static_cast<std::size_t>(size))};
            Entry entry;
            for (std::string line; std::getline(lines, line);)
                entry[line.substr(0, line.find('='))] =
                    line.substr(std::min(line.find('='), line.size() - 1) + 1);
            entries_.push_back(std::move(entry));
        }
    }

    int socket_;
    std::mutex mutex_;
    std::vector<Entry> entries_;
    // A journal that nobody reads would make its senders wait.
    std::jthread listener_{[this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            pollfd wait{.fd = socket_, .events = POLLIN, .revents = 0};
            if (::poll(&wait, 1, 50) > 0) listen();
        }
    }};
};

struct LogForms : testing::Test {
    Service service;
    Device device{service.url(), service.authority.ca_file()};

    /// Words that let a program see `$1` where the journal's sockets are, and its standard error as the
    /// journal's.
    [[nodiscard]] static std::vector<std::string> under_a_journal(const std::string& directory) {
        return {"unshare",
                "-m",
                "sh",
                "-c",
                "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && "
                "mount --bind \"$1\" /run/systemd/journal && shift && "
                "JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec \"$@\"",
                "sh",
                directory};
    }
    [[nodiscard]] bool can_unshare() const {
        auto words = under_a_journal(device.directory.path);
        words.emplace_back("true");
        return fakes::Process(std::move(words), device.directory.file("probe")).wait() == 0;
    }
};

TEST_F(LogForms, TheJournalGetsAFirstKeyInFieldsOfItsOwn) {
    if (!can_unshare())
        GTEST_SKIP()
            << "NOT CHECKED: this user may not put a socket of ours in the journal's place (root may)";
    const auto directory = device.directory.file("journal");
    std::filesystem::create_directory(directory);
    Journal journal{directory + "/socket"};
    device.write_settings();
    const auto run = device.once(under_a_journal(directory));
    ASSERT_EQ(run.exit_code, 0) << run.err << run.out;
    EXPECT_EQ(run.err, "") << "what the journal takes isn't told on standard error, too";
    const auto entries = journal.entries();
    const auto published = std::ranges::find_if(entries, [](const auto& entry) {
        return entry.contains("DEVKEY_EVENT") && entry.at("DEVKEY_EVENT") == "credential-published";
    });
    ASSERT_NE(published, entries.end());
    const auto field = [&](const std::string& name) {
        return published->contains(name) ? published->at(name) : "no " + name;
    };
    EXPECT_EQ(field("DEVKEY_KEY_ID"), device.credential("key_id"));
    EXPECT_EQ(field("DEVKEY_KEY_NAME"), device.credential("key_name"));
    EXPECT_EQ(field("DEVKEY_GENERATION"), "1");
    EXPECT_EQ(field("DEVKEY_REASON"), "new-key-proven");
    EXPECT_EQ(field("PRIORITY"), "5");
    EXPECT_EQ(field("SYSLOG_IDENTIFIER"), "devkeyd");
    EXPECT_EQ(field("MESSAGE_ID").size(), 32U);
    EXPECT_TRUE(field("MESSAGE").starts_with("credential-published: ")) << field("MESSAGE");
    for (const auto& entry : entries)
        for (const auto& [name, value] : entry) {
            EXPECT_FALSE(value.contains(device.credential("key"))) << name;
            EXPECT_FALSE(value.contains(device.secret)) << name;
        }
}

TEST_F(LogForms, WithoutAJournalItIsTextOnStandardError) {
    device.write_settings();
    const auto directory = device.directory.file("journal");  // with no socket
    std::filesystem::create_directory(directory);
    if (!can_unshare()) GTEST_SKIP() << "NOT CHECKED: this user may not hide the journal (root may)";
    const auto run = device.once(under_a_journal(directory));
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_TRUE(run.err.contains("<5>credential-published: ")) << run.err;
}

TEST_F(LogForms, JsonIsAnObjectInEachLine) {
    device.write_settings();
    fakes::Process process(device.words({"--once", "--log", "json"}), device.next_output());
    ASSERT_EQ(process.wait(), 0) << process.errors();
    std::istringstream lines{process.errors()};
    std::map<std::string, Poco::JSON::Object::Ptr> events;
    for (std::string line; std::getline(lines, line);) {
        const auto json = Poco::JSON::Parser().parse(line).extract<Poco::JSON::Object::Ptr>();
        EXPECT_TRUE(json->has("time") && json->has("severity") && json->has("message")) << line;
        events[json->getValue<std::string>("event")] = json;
    }
    ASSERT_TRUE(events.contains("credential-published")) << process.errors();
    const auto fields = events.at("credential-published")->getObject("fields");
    EXPECT_EQ(fields->getValue<std::string>("key_id"), device.credential("key_id"));
    EXPECT_EQ(fields->getValue<std::string>("generation"), "1");
    EXPECT_TRUE(process.output().starts_with("provisioned: ")) << process.output();
}

}  // namespace
}  // namespace devkey::e2e
