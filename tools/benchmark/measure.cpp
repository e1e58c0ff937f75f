// measure FILE PROGRAM ARGUMENT…: runs the program and writes what it took to FILE, as JSON. Ends as the
// program did. (GNU time tells CPU in hundredths of a second: too coarse for devkeyd.)
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

namespace {

long long microseconds(const timeval& time) {
    return 1000000LL * time.tv_sec + time.tv_usec;
}

int complain(const char* what, int error) {
    std::fprintf(stderr, "measure: %s: %s\n", what, std::strerror(error));
    return EX_OSERR;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: measure FILE PROGRAM ARGUMENT...\n", stderr);
        return EX_USAGE;
    }
    const auto start = std::chrono::steady_clock::now();
    pid_t child = 0;
    if (const int error = ::posix_spawnp(&child, argv[2], nullptr, nullptr, argv + 2, environ); error != 0)
        return complain(argv[2], error);
    int status = 0;
    rusage used{};
    if (::wait4(child, &status, 0, &used) != child) return complain("wait4", errno);
    const std::chrono::duration<double, std::micro> wall = std::chrono::steady_clock::now() - start;

    std::FILE* out = std::fopen(argv[1], "we");
    if (out == nullptr) return complain(argv[1], errno);
    // ru_maxrss is in KiB on Linux (getrusage(2)).
    std::fprintf(out, "{\"wall_us\": %.0f, \"cpu_us\": %lld, \"peak_rss_kib\": %ld}\n", wall.count(),
                 microseconds(used.ru_utime) + microseconds(used.ru_stime), used.ru_maxrss);
    if (std::fclose(out) != 0) return complain(argv[1], errno);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}
