// relay FROM-PORT TO-PORT: takes connections to a port of 127.0.0.1 (0: any free one, which it prints) and
// passes what is said on to another, until SIGTERM. Then it gives the connections that are open half a second
// to end, and prints what it counted, as JSON.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace {

struct Counts {
    std::atomic<long> sent = 0;      ///< bytes, by clients
    std::atomic<long> received = 0;  ///< bytes, by clients
    std::atomic<int> handshakes = 0;
    std::atomic<int> open = 0;
};

sockaddr_in local(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

[[noreturn]] void stop(const char* what) {
    std::perror(what);
    std::exit(EX_OSERR);
}

int listen_on(int port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const auto address = local(port);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener, 64) != 0)
        stop("bind");
    return listener;
}

int port_of(int listener) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

// Until `from` has ended; then nothing more is sent to `to`.
void pass(int from, int to, std::atomic<long>& bytes, std::atomic<int>* handshakes) {
    std::array<char, 16384> buffer{};
    ssize_t size = 0;
    bool first = true;
    while ((size = ::read(from, buffer.data(), buffer.size())) > 0) {
        bytes += size;
        // TLS begins with a record of a handshake (RFC 8446, 5.1).
        if (std::exchange(first, false) && handshakes != nullptr && buffer[0] == 22) ++*handshakes;
        if (::send(to, buffer.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL) != size) break;
    }
    ::shutdown(to, SHUT_WR);
}

void serve(int client, int port, Counts& counts) {
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = local(port);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        const std::jthread back([&] { pass(server, client, counts.received, nullptr); });
        pass(client, server, counts.sent, &counts.handshakes);
    }
    ::close(server);
    ::close(client);
    --counts.open;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: relay FROM-PORT TO-PORT\n", stderr);
        return EX_USAGE;
    }
    static int listener = listen_on(std::atoi(argv[1]));
    const int to = std::atoi(argv[2]);
    std::signal(SIGTERM, [](int /*signal*/) { ::shutdown(listener, SHUT_RD); });  // accept ends
    std::printf("%d\n", port_of(listener));
    std::fflush(stdout);

    Counts counts;
    int connections = 0;
    for (int client = 0; (client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; ++connections) {
        ++counts.open;
        std::thread([=, &counts] { serve(client, to, counts); }).detach();
    }
    for (int i = 0; i < 50 && counts.open > 0; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::printf("{\"connections\": %d, \"handshakes\": %d, \"bytes_sent\": %ld, \"bytes_received\": %ld}\n",
                connections, counts.handshakes.load(), counts.sent.load(), counts.received.load());
    std::fflush(stdout);
    std::_Exit(0);  // and no thread outlives what it counts in
}
