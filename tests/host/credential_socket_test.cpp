// The credential socket against peers of all kinds: real sockets, and a real event loop in a thread of its
// own.
#include "host/credential_socket.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "fakes/credential_client.hpp"
#include "fakes/temporary_directory.hpp"
#include "host/wake.hpp"

namespace devkey::host {
namespace {

using Asker = fakes::CredentialClient;

/// Gives `credential` to giver.service.
class Provider {
 public:
    explicit Provider(const std::string& path, std::string credential = "the key\n") {
        loop_.watch(end_.descriptor(), [this] { loop_.leave(); });
        socket_.emplace(loop_, [this, secret = core::Secret{credential}](const CredentialPeer& peer,
                                                                         const CredentialSocket::Give& give) {
            const std::scoped_lock lock{mutex_};
            peers_.push_back(peer);
            if (peer.address.ends_with("/unit/giver.service/api-key")) given_.push_back(give(secret));
        });
        listening = socket_->listen(path);
        thread_ = std::thread([this] { loop_.run(); });
    }
    Provider(const Provider&) = delete;
    Provider& operator=(const Provider&) = delete;
    ~Provider() {
        end_.set();
        thread_.join();
    }
    std::vector<CredentialPeer> peers() {
        const std::scoped_lock lock{mutex_};
        return peers_;
    }
    std::vector<bool> given() {
        const std::scoped_lock lock{mutex_};
        return given_;
    }

    core::Result<void> listening;

 private:
    EventLoop loop_;
    Wake end_;
    std::mutex mutex_;
    std::vector<CredentialPeer> peers_;
    std::vector<bool> given_;
    std::optional<CredentialSocket> socket_;
    std::thread thread_;
};

struct CredentialSocketTest : testing::Test {
    fakes::TemporaryDirectory directory;
    std::string path = directory.file("credential.sock");
};

TEST_F(CredentialSocketTest, GivesTheCredentialToTheEnd) {
    Provider provider(path);
    ASSERT_TRUE(provider.listening);
    EXPECT_EQ(Asker(path, fakes::name_for("giver.service")).rest(), "the key\n");
    EXPECT_EQ(provider.given(), std::vector<bool>{true});
}

TEST_F(CredentialSocketTest, KnowsWhoAsks) {
    Provider provider(path);
    const auto name = fakes::name_for("some.service");
    static_cast<void>(Asker(path, name).rest());
    static_cast<void>(Asker(path, "").rest());
    const auto peers = provider.peers();
    ASSERT_EQ(peers.size(), 2U);
    EXPECT_EQ(peers[0].uid, ::geteuid());
    EXPECT_EQ(peers[0].pid, ::getpid());
    EXPECT_EQ(peers[0].address, std::string(1, '\0') + name);
    EXPECT_EQ(peers[1].address, "");
    auto longest = fakes::name_for("long.service");
    longest.resize(sizeof(sockaddr_un::sun_path) - 1, 'x');
    static_cast<void>(Asker(path, longest).rest());
    EXPECT_EQ(provider.peers().back().address, std::string(1, '\0') + longest);
}

TEST_F(CredentialSocketTest, SendsMoreThanSystemdTakesToWhoIsRefused) {
    const Provider provider(path);
    EXPECT_TRUE(fakes::refuses(Asker(path, "").rest()));
    EXPECT_TRUE(fakes::refuses(Asker(path, fakes::name_for("other.service")).rest()));
}

TEST_F(CredentialSocketTest, NeverGivesAnEmptyCredentialNorAPart) {
    {
        Provider provider(path, "");
        EXPECT_TRUE(fakes::refuses(Asker(path, fakes::name_for("giver.service")).rest()));
        EXPECT_EQ(provider.given(), std::vector<bool>{false});
    }
    Provider provider(path, std::string(std::size_t{8} * 1024 * 1024, 'x'));  // more than a socket holds
    EXPECT_GT(Asker(path, fakes::name_for("giver.service")).rest().size(), std::size_t{1024} * 1024);
    EXPECT_EQ(provider.given(), std::vector<bool>{false});
}

TEST_F(CredentialSocketTest, IsHeldUpByNobody) {
    Provider provider(path);
    std::deque<Asker> silent;
    for (std::size_t i = 0; i < 3 * CredentialSocket::most_refused; ++i) {
        silent.emplace_back(path, "");
        EXPECT_EQ(Asker(path, fakes::name_for("giver.service")).rest(), "the key\n");
    }
    EXPECT_TRUE(fakes::refuses(silent.back().rest()));
    EXPECT_FALSE(fakes::refuses(silent.front().rest())) << "nobody had room for it any more";
    for (int i = 0; i < 200; ++i) static_cast<void>(Asker(path, ""));  // who leave in the middle
    EXPECT_EQ(Asker(path, fakes::name_for("giver.service")).rest(), "the key\n");
}

TEST_F(CredentialSocketTest, LetsNobodyElseConnect) {
    const Provider provider(path);
    struct stat there{};
    ASSERT_EQ(::lstat(path.c_str(), &there), 0);
    EXPECT_TRUE(S_ISSOCK(there.st_mode));
    EXPECT_EQ(there.st_mode & 07777U, 0600U);
}

}  // namespace
}  // namespace devkey::host
