// measure FILE TEXT PROGRAM ARGUMENT…: runs the program until it tells something that contains TEXT, on
// standard output or to systemd (sd_notify); once it is idle, writes to FILE, as JSON, what that took and
// what memory it has; and ends it. As root: only root sees the memory of a program that isn't dumpable.
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>

namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

[[noreturn]] void stop(const std::string& what) {
    std::fprintf(stderr, "measure: %s\n", what.c_str());
    std::exit(EX_SOFTWARE);
}

/// Where the program tells: what it is given as standard output and as systemd's socket.
struct Ears {
    std::array<int, 2> output{};
    int notify = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    Ears() {
        sockaddr_un address{};
        address.sun_family =
            AF_UNIX;  // and no path: the kernel gives it an abstract name (unix(7), autobind)
        socklen_t size = sizeof address.sun_family;
        const bool bound = ::bind(notify, reinterpret_cast<const sockaddr*>(&address), size) == 0;
        size = sizeof address;
        if (!bound || ::getsockname(notify, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
            ::pipe(output.data()) != 0)
            stop("no socket or no pipe");
        const std::string name(address.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
        ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    }
};

/// The program is killed when this one ends, however that comes.
pid_t start(const Ears& ears, char** words) {
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(EX_OSERR);
    ::dup2(ears.output[1], STDOUT_FILENO);
    ::close(ears.output[0]);
    ::close(ears.output[1]);
    ::execvp(words[0], words);
    std::perror(words[0]);
    ::_exit(EX_OSERR);
}

/// When it told it. Stops when the program ends before, or is silent for two minutes.
steady_clock::time_point wait_until_told(const Ears& ears, const std::string& text) {
    std::map<int, std::string> told;
    std::array<char, 4096> buffer{};
    for (;;) {
        std::array<pollfd, 2> wait{pollfd{ears.output[0], POLLIN, 0}, pollfd{ears.notify, POLLIN, 0}};
        if (::poll(wait.data(), wait.size(), 120'000) <= 0) stop("'" + text + "' wasn't told");
        const auto now = steady_clock::now();
        for (const auto& ear : wait) {
            if (ear.revents == 0) continue;
            const auto size = ::read(ear.fd, buffer.data(), buffer.size());
            if (size <= 0) stop("the program ended before it told '" + text + "'");
            told[ear.fd].append(buffer.data(), static_cast<std::size_t>(size)).append("\n");
            if (told[ear.fd].find(text) != std::string::npos) return now;
        }
    }
}

/// The number after `name` in such a file of /proc; 0: there is none.
long field(const std::string& path, const std::string& name) {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);)
        if (line.starts_with(name + ":")) return std::strtol(line.c_str() + name.size() + 1, nullptr, 10);
    return 0;
}

/// How often any of its threads has gone to sleep.
long sleeps_of(const std::string& process) {
    long all = 0;
    for (const auto& thread : std::filesystem::directory_iterator(process + "/task"))
        all += field(thread.path().string() + "/status", "voluntary_ctxt_switches");
    return all;
}

/// Until no thread of it has run for a quarter of a second; Node's always do, so for three seconds at most.
void wait_until_idle(const std::string& process) {
    const auto patience = steady_clock::now() + 3s;
    for (long before = -1, now = 0; before != now && steady_clock::now() < patience;) {
        before = sleeps_of(process);
        std::this_thread::sleep_for(250ms);
        now = sleeps_of(process);
    }
}

/// Its CPU time in microseconds.
long long end(pid_t child) {
    ::kill(child, SIGTERM);
    int status = 0;
    rusage used{};
    if (::wait4(child, &status, 0, &used) != child) stop("the program is lost");
    const bool by_signal = WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
    if (!by_signal && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) stop("the program ended badly");
    const auto microseconds = [](const timeval& time) { return 1'000'000LL * time.tv_sec + time.tv_usec; };
    return microseconds(used.ru_utime) + microseconds(used.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fputs("usage: measure FILE TEXT PROGRAM ARGUMENT...\n", stderr);
        return EX_USAGE;
    }
    const Ears ears;
    const auto begun = steady_clock::now();
    const pid_t child = start(ears, argv + 3);
    ::close(ears.output[1]);
    const std::chrono::duration<double, std::micro> wall = wait_until_told(ears, argv[2]) - begun;
    const auto process = "/proc/" + std::to_string(child);
    wait_until_idle(process);
    const auto memory = [&](const char* name) { return field(process + "/smaps_rollup", name); };
    const long rss = memory("Rss");
    const long pss = memory("Pss");
    const long anonymous = memory("Anonymous");
    if (rss == 0) stop(process + "/smaps_rollup can't be read");
    const auto cpu = end(child);

    std::FILE* out = std::fopen(argv[1], "we");
    if (out == nullptr) stop(std::string(argv[1]) + " can't be written");
    std::fprintf(
        out,
        "{\"wall_us\": %.0f, \"cpu_us\": %lld, \"rss_kib\": %ld, \"pss_kib\": %ld, \"anonymous_kib\": %ld}\n",
        wall.count(), cpu, rss, pss, anonymous);
    if (std::fclose(out) != 0) stop(std::string(argv[1]) + " can't be written");
}
