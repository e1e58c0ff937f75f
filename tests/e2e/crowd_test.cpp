// 64 clients on the control socket, some of them hostile, while the key is rotated.
#include <atomic>
#include <cstdlib>

#include "e2e/ctl.hpp"

namespace devkey::e2e {
namespace {

using namespace std::chrono_literals;

/// DEVKEY_CROWD_SECONDS, or a few.
std::chrono::seconds crowd_time() {
    const char* told = std::getenv("DEVKEY_CROWD_SECONDS");
    return std::chrono::seconds{told == nullptr ? 5 : std::atoi(told)};
}

/// A connection to the control socket; what is sent to it may be anything.
class Client {
 public:
    explicit Client(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        const timeval patience{.tv_sec = 60, .tv_usec = 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        is_connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { ::close(socket_); }

    void say(std::string_view text) const {
        static_cast<void>(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL));
    }
    /// All that is answered, until the daemon closes.
    [[nodiscard]] std::string hear() const {
        std::string heard;
        std::array<char, 4096> buffer{};
        for (ssize_t size = 0; (size = ::recv(socket_, buffer.data(), buffer.size(), 0)) > 0;)
            heard.append(buffer.data(), static_cast<std::size_t>(size));
        return heard;
    }
    [[nodiscard]] bool is_connected() const { return is_connected_; }

 private:
    int socket_;
    bool is_connected_ = false;
};

/// 64 clients that don't stop until they are told to.
class Crowd {
 public:
    explicit Crowd(const std::string& path) {
        const std::array<std::string, 4> nuisances{"", R"({"version": 1, "verb": "sta)", "\xff\n",
                                                   std::string(5000, '{')};
        for (const auto& words : nuisances) add(2, [=] { be_a_nuisance(path, words); });
        add(56, [=, this] { ask(path); });
    }

    [[nodiscard]] std::size_t answers() const { return answers_; }
    [[nodiscard]] std::size_t left_alone() const { return left_alone_; }

 private:
    void add(int count, const std::function<void()>& live) {
        for (int i = 0; i < count; ++i)
            threads_.emplace_back([=](const std::stop_token& stop) {
                while (!stop.stop_requested()) live();
            });
    }
    void ask(const std::string& path) {
        const Client client{path};
        client.say("{\"version\": 1, \"verb\": \"status\"}\n");
        ++(client.hear().contains(R"("answer":"status")") ? answers_ : left_alone_);
    }
    /// Says this, and then waits to be sent away.
    static void be_a_nuisance(const std::string& path, const std::string& words) {
        const Client client{path};
        client.say(words);
        static_cast<void>(client.hear());
    }

    std::atomic<std::size_t> answers_ = 0;
    std::atomic<std::size_t> left_alone_ = 0;
    std::vector<std::jthread> threads_;
};

struct CrowdOnTheSocket : Ctl {
    // What the address sanitizer keeps of freed memory, of who asked for it, and of stacks would look like a
    // leak.
    void start() {
        daemon.emplace(
            device.words({}), device.next_output(),
            std::vector<std::string>{
                "ASAN_OPTIONS=quarantine_size_mb=1:malloc_context_size=1:detect_stack_use_after_return=0"});
        ASSERT_EQ(ctl({"wait-ready"}).exit_code, 0);
    }
    void rotate() {
        const auto told = ctl({"rotate", "--wait", "--json"});
        EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
    }
    [[nodiscard]] std::string proc(const std::string& name) const {
        return "/proc/" + std::to_string(daemon->pid()) + "/" + name;
    }
    [[nodiscard]] std::ptrdiff_t descriptors() const {
        return std::distance(std::filesystem::directory_iterator{proc("fd")}, {});
    }
    /// In KiB, proc(5).
    [[nodiscard]] long anonymous_memory() const {
        const auto status = fakes::content_of(proc("status"));
        return std::atol(status.c_str() + status.find("RssAnon:") + 8);
    }
};

TEST_F(CrowdOnTheSocket, DelaysNoRotationAndLeavesNothingBehind) {
    start();
    const auto descriptors_before = descriptors();
    std::optional<Crowd> crowd{std::in_place, device.control_socket()};
    const auto half = crowd_time() / 2;
    rotate();
    std::this_thread::sleep_for(half);  // it has grown to its size
    const auto memory = anonymous_memory();
    rotate();
    const auto answers = crowd->answers();
    std::this_thread::sleep_for(half);
    EXPECT_GT(crowd->answers(), answers);
    EXPECT_LT(anonymous_memory(), memory + 4096);
    const auto all = crowd->answers();
    const auto left_alone = crowd->left_alone();
    crowd.reset();
    EXPECT_EQ(left_alone, 0U) << "of " << all;
    EXPECT_EQ(device.credential("generation"), "3");
    EXPECT_TRUE(service.takes(device.credential("key")));
    // A connection to the service may be kept for a while, before and after.
    EXPECT_TRUE(fakes::wait_until([&] { return descriptors() <= descriptors_before + 1; }))
        << descriptors() << " descriptors, and " << descriptors_before << " before";
    EXPECT_EQ(daemon->end(SIGTERM), 0) << log();
    std::printf("crowd: %zu answers, memory %ld KiB\n", all, memory);
}

}  // namespace
}  // namespace devkey::e2e
