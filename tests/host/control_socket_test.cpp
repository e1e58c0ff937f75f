// The control socket against peers of all kinds: real sockets, and a real event loop in a thread of its own.
#include "host/control_socket.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <semaphore>
#include <thread>
#include <vector>

#include "fakes/control_client.hpp"
#include "fakes/temporary_directory.hpp"
#include "host/system_clock.hpp"
#include "host/wake.hpp"

namespace devkey::host {
namespace {

using core::ErrorKind;
using Client = fakes::ControlClient;
using namespace std::chrono_literals;

std::optional<std::string> echo(const Peer& peer, ControlSocket::Line line) {
    if (line == "who") return std::to_string(peer.uid) + " " + std::to_string(peer.groups.size());
    if (line == "long") return std::string(100'000, 'x');
    if (line) return "you said " + std::string(*line);
    return "no line: " + std::to_string(static_cast<int>(line.error()));
}

const std::string too_long = "no line: 0\n";
const std::string too_slow = "no line: 1\n";
const std::string too_many = "no line: 2\n";

/// A loop that runs in a thread, with a control socket in it.
class Listener {
 public:
    explicit Listener(const std::string& path, ControlLimits limits = {}) {
        loop_.watch(end_.descriptor(), [this] { loop_.leave(); });
        loop_.watch(later_.descriptor(), [this] { answer_later(); });
        socket_.emplace(
            loop_, clock_,
            [this](const Peer& peer, ControlSocket::Line line) {
                if (line != "later") return echo(peer, line);
                put_off_.push_back(peer.connection);
                came.release();
                return std::optional<std::string>{};
            },
            limits);
        listening = socket_->listen(path);
        thread_ = std::thread([this] { loop_.run(); });
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() {
        end_.set();
        thread_.join();
    }
    /// Answers all that was put off until then.
    void answer_what_was_put_off() { later_.set(); }

    core::Result<void> listening;
    std::counting_semaphore<> came{0};  // something was put off

 private:
    void answer_later() {
        later_.clear();
        for (const auto connection : put_off_)
            socket_->answer_later(connection, "at last " + std::to_string(connection));
    }

    std::vector<std::uint64_t> put_off_;  // connections
    SystemClock clock_;
    EventLoop loop_;
    Wake end_;
    Wake later_;
    std::optional<ControlSocket> socket_;
    std::thread thread_;
};

struct Control : testing::Test {
    fakes::TemporaryDirectory directory;
    std::string path = directory.file("control.sock");
};

TEST_F(Control, AnswersALineAndCloses) {
    const Listener listener(path);
    ASSERT_TRUE(listener.listening);
    EXPECT_EQ(Client(path).answer_to("hello\n"), "you said hello\n");
    EXPECT_EQ(Client(path).answer_to("\n"), "you said \n");
    EXPECT_EQ(Client(path).answer_to("first\nsecond\n"), "you said first\n");
}

TEST_F(Control, TakesALineInPieces) {
    const Listener listener(path);
    const Client client(path);
    for (const char* piece : {"h", "el", "lo"}) client.send(piece);
    EXPECT_EQ(client.answer_to("\n"), "you said hello\n");
}

TEST_F(Control, KnowsWhoAsks) {
    const Listener listener(path);
    std::array<gid_t, 65> groups{};
    const auto count = ::getgroups(static_cast<int>(groups.size()), groups.data());
    EXPECT_EQ(Client(path).answer_to("who\n"),
              std::to_string(::geteuid()) + " " + std::to_string(count + 1) + "\n");
}

TEST_F(Control, GivesALongAnswerToWhoReadsItLate) {
    const Listener listener(path);
    const Client client(path);
    client.send("long\n");
    EXPECT_EQ(Client(path).answer_to("hello\n"), "you said hello\n");
    EXPECT_EQ(client.rest().size(), 100'001U);
}

TEST_F(Control, RefusesALineThatIsTooLong) {
    const Listener listener(path, {.longest = 10});
    EXPECT_EQ(Client(path).answer_to("0123456789\n"), "you said 0123456789\n");
    EXPECT_EQ(Client(path).answer_to("01234567890\n"), too_long);
    EXPECT_EQ(Client(path).answer_to(std::string(20'000, 'x')), too_long);
}

TEST_F(Control, ForgetsWhoIsSlowAndGoesOnWithTheOthers) {
    const Listener listener(path, {.patience = 200ms});
    const Client silent(path);
    const Client slow(path);
    slow.send("hel");
    EXPECT_EQ(Client(path).answer_to("hello\n"), "you said hello\n");
    EXPECT_EQ(silent.rest(), too_slow);
    EXPECT_EQ(slow.rest(), too_slow);
    EXPECT_EQ(Client(path).answer_to("hello\n"), "you said hello\n");
}

TEST_F(Control, GoesOnWhenAPeerLeavesInTheMiddle) {
    const Listener listener(path);
    for (int i = 0; i < 200; ++i) Client(path).send(i % 2 == 0 ? "hello\n" : "hel");
    EXPECT_EQ(Client(path).answer_to("hello\n"), "you said hello\n");
}

TEST_F(Control, AnswersLaterAndTheOthersMeanwhile) {
    Listener listener(path, {.patience = 200ms});
    const Client patient(path);
    patient.send("later\nand more");
    listener.came.acquire();
    EXPECT_EQ(Client(path).answer_to("hello\n"), "you said hello\n");
    EXPECT_EQ(Client(path).rest(), too_slow);  // to ask: nobody has to be quick who waits for an answer
    listener.answer_what_was_put_off();
    EXPECT_EQ(patient.rest(), "at last 1\n");
}

TEST_F(Control, AnswersNobodyInThePlaceOfOneWhoIsGone) {
    Listener listener(path);
    {
        const Client gone(path);
        gone.send("later\n");
        listener.came.acquire();
    }
    const Client first(path);
    first.send("later\n");
    listener.came.acquire();
    listener.answer_what_was_put_off();
    EXPECT_EQ(first.rest(), "at last 2\n");
    const Client second(path);  // perhaps with the descriptor that the first had
    second.send("later\n");
    listener.came.acquire();
    listener.answer_what_was_put_off();  // once more to those before
    EXPECT_EQ(second.rest(), "at last 3\n");
}

TEST_F(Control, EndsConnectionsThatAreTooMany) {
    const Listener listener(path, {.most = 4, .patience = 1min});
    std::vector<std::unique_ptr<Client>> silent(8);  // who owns it may have twice as many
    for (auto& client : silent) client = std::make_unique<Client>(path);
    EXPECT_EQ(Client(path).rest(), too_many);
    silent.clear();
    std::string answer = too_many;
    while (answer == too_many)
        answer = Client(path).answer_to("hello\n");  // until it has seen that they left
    EXPECT_EQ(answer, "you said hello\n");
}

TEST_F(Control, ReplacesASocketThatNobodyListensTo) {
    {
        Descriptor left{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(path, std::begin(address.sun_path));
        ASSERT_EQ(::bind(left.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    const Listener listener(path);
    ASSERT_TRUE(listener.listening);
    EXPECT_EQ(Client(path).answer_to("hello\n"), "you said hello\n");
}

TEST_F(Control, TakesNoSocketFromAnotherAndNoFile) {
    const Listener first(path);
    const Listener second(path);
    ASSERT_FALSE(second.listening);
    EXPECT_EQ(second.listening.error().kind, ErrorKind::Unavailable);
    EXPECT_EQ(Client(path).answer_to("hello\n"), "you said hello\n");
    const auto file = directory.file("notes.txt");
    fakes::put(file, "mine");
    const Listener third(file);
    ASSERT_FALSE(third.listening);
    EXPECT_EQ(third.listening.error().kind, ErrorKind::InvalidInput);
    EXPECT_EQ(fakes::content_of(file), "mine");
}

TEST_F(Control, SaysWhyItCannotListen) {
    const Listener nowhere(directory.file("missing") + "/control.sock");
    EXPECT_EQ(nowhere.listening.error().kind, ErrorKind::NotFound);
    const Listener deep(directory.file(std::string(120, 'x')));
    EXPECT_EQ(deep.listening.error().kind, ErrorKind::InvalidInput);
}

TEST_F(Control, LeavesWhatTookItsPlace) {
    {
        const Listener listener(path);
        ASSERT_EQ(::unlink(path.c_str()), 0);
        fakes::put(path, "mine");
    }
    EXPECT_EQ(fakes::content_of(path), "mine");
}

TEST_F(Control, RemovesItsSocketAtTheEnd) {
    struct stat there{};
    {
        const Listener listener(path);
        ASSERT_EQ(::lstat(path.c_str(), &there), 0);
        EXPECT_TRUE(S_ISSOCK(there.st_mode));
    }
    EXPECT_NE(::lstat(path.c_str(), &there), 0);
}

}  // namespace
}  // namespace devkey::host
