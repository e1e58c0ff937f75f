#include "host/run_command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <exception>
#include <string>
#include <vector>

#include "host/descriptor.hpp"
#include "host/secret_buffer.hpp"
#include "host/system_error.hpp"
#include "host/timer.hpp"

namespace devkey::host {
namespace {

using core::ErrorKind;
using core::fail;

struct Pipe {
    Descriptor out;  // ours, never blocks
    Descriptor in;   // the program's
};

core::Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe", errno);
    Pipe pipe{Descriptor{ends[0]}, Descriptor{ends[1]}};
    // Ours alone: the program may rely on writes that block.
    if (fcntl(pipe.out.get(), F_SETFL, O_NONBLOCK) != 0) return system_error("pipe", errno);
    return pipe;
}

// By its number: glibc 2.36's header declares pidfd_open for C only.
int open_process(pid_t id) {
    return static_cast<int>(::syscall(SYS_pidfd_open, id, 0));
}

// A started program. When this goes, the program and all of its group are gone.
class Child {
 public:
    explicit Child(pid_t id) : id_(id), descriptor_(open_process(id)) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (id_ > 0) [[maybe_unused]]
            const auto status = end();
    }

    /// Readable once the program has ended; negative if the system had none left.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

    /// Kills what is left of the group, then answers the program's wait status. The group goes first: until
    /// the program is waited for, nobody else can get its number.
    core::Result<int> end() noexcept {
        ::kill(-id_, SIGKILL);
        int status = 0;
        pid_t waited = -1;
        do waited = ::waitpid(id_, &status, 0);
        while (waited < 0 && errno == EINTR);
        id_ = -1;
        // Without a status nobody knows whether it failed.
        if (waited < 0) return system_error("waitpid", errno);
        return status;
    }

 private:
    pid_t id_;
    Descriptor descriptor_;
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

// What posix_spawn is told; one owner for its two C structures.
class SpawnPlan {
 public:
    /// `out`: where it prints; null: to nobody, and it complains to our standard error.
    explicit SpawnPlan(const Pipe* out) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (out != nullptr) {
            posix_spawn_file_actions_adddup2(&actions_, out->in.get(), STDOUT_FILENO);
            posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        } else {
            posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        }
        posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_init(&attributes_);
        posix_spawnattr_setflags(&attributes_,
                                 POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        posix_spawnattr_setpgroup(&attributes_, 0);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setsigdefault(&attributes_, &all);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;
    ~SpawnPlan() {
        posix_spawnattr_destroy(&attributes_);
        posix_spawn_file_actions_destroy(&actions_);
    }

    [[nodiscard]] core::Result<pid_t> start(std::vector<std::string> words,
                                            std::vector<std::string> environment) const {
        // NOTIFY_SOCKET, CREDENTIALS_DIRECTORY and the like are ours alone.
        environment.emplace_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        environment.emplace_back("LANG=C.UTF-8");
        auto arguments = pointers_to(words);
        auto variables = pointers_to(environment);
        pid_t id = -1;
        const int error =
            posix_spawn(&id, arguments[0], &actions_, &attributes_, arguments.data(), variables.data());
        if (error != 0) return system_error(words[0] + ": can't be started", error);
        return id;
    }

 private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

// Takes what a pipe has now; answers whether more may come.
bool drain(int pipe, SecretBuffer& buffer) {
    while (!buffer.overflown()) {
        const auto room = buffer.room();
        const ssize_t got = ::read(pipe, room.data(), room.size());
        if (got > 0) buffer.filled(static_cast<std::size_t>(got));
        if (got == 0) return false;
        if (got < 0 && errno != EINTR) return errno == EAGAIN;
    }
    return false;
}

std::unexpected<core::Error> too_much(const std::string& program) {
    return fail(ErrorKind::InvalidInput, program + ": printed more than 64 KiB; one value is expected");
}

// Gathers output until the program has ended; an error if it has to be ended. `out` negative: it prints to
// nobody.
core::Result<void> follow(const Child& child, int out, SecretBuffer& output, int stop, core::Millis timeout,
                          const std::string& program) {
    Timer timer;
    timer.set_in(timeout);
    enum { ended, elapsed, stopped, printed };
    std::array<pollfd, 4> waits{{{child.descriptor(), POLLIN, 0},
                                 {timer.descriptor(), POLLIN, 0},
                                 {stop, POLLIN, 0},
                                 {out, POLLIN, 0}}};
    for (;;) {
        if (::poll(waits.data(), waits.size(), -1) < 0) {
            if (errno == EINTR) continue;
            return system_error(program + ": can't be waited for", errno);
        }
        // A pipe that gives no more is left out of the wait (poll skips what is negative).
        if (waits[printed].revents != 0 && !drain(out, output)) waits[printed].fd = -1;
        if (output.overflown()) return too_much(program);
        if (waits[ended].revents != 0) return {};
        if (waits[stopped].revents != 0)
            return fail(ErrorKind::TooEarly, program + ": was ended, because devkeyd stops");
        if (waits[elapsed].revents != 0)
            return fail(
                ErrorKind::Unavailable,
                fmt::format("{}: took longer than {} and was killed; make it faster or raise its timeout",
                            program, core::format_duration(timeout)));
    }
}

core::Result<void> judge(int status, const std::string& program) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    if (WIFEXITED(status))
        return fail(ErrorKind::Unavailable,
                    fmt::format("{}: ended with exit status {}; run it by hand as the same user to see why",
                                program, WEXITSTATUS(status)));
    return fail(ErrorKind::Unavailable,
                fmt::format("{}: was killed by signal {}", program, WTERMSIG(status)));
}

core::Result<core::Secret> run(const core::FromCommand& command, int stop) {
    const std::string& program = command.run[0];
    auto pipe = make_pipe();
    if (!pipe) return std::unexpected(core::with_context(program, pipe.error()));
    Pipe& out = *pipe;
    const auto id = SpawnPlan{&out}.start(command.run, {});
    if (!id) return std::unexpected(id.error());
    Child child{*id};
    if (child.descriptor() < 0) return system_error(program + ": can't be waited for", errno);
    out.in = Descriptor{};
    SecretBuffer output;
    const auto followed = follow(child, out.out.get(), output, stop, command.timeout, program);
    const auto status = child.end();
    if (!followed) return std::unexpected(followed.error());
    if (!status) return std::unexpected(core::with_context(program, status.error()));
    // What the program wrote just before it ended; its group is gone, so nothing more comes.
    drain(out.out.get(), output);
    if (output.overflown()) return too_much(program);
    if (const auto judged = judge(*status, program); !judged) return std::unexpected(judged.error());
    return secret_in(output, program);
}

core::Result<void> run(const Program& asked, int stop) {
    const std::string& program = asked.run[0];
    const auto id = SpawnPlan{nullptr}.start(asked.run, asked.environment);
    if (!id) return std::unexpected(id.error());
    Child child{*id};
    if (child.descriptor() < 0) return system_error(program + ": can't be waited for", errno);
    SecretBuffer nothing;
    const auto followed = follow(child, -1, nothing, stop, asked.timeout, program);
    const auto status = child.end();
    if (!followed) return std::unexpected(followed.error());
    if (!status) return std::unexpected(core::with_context(program, status.error()));
    return judge(*status, program);
}

/// `run`, whose words are to be started: its exceptions (no descriptor or memory left: that may pass) become
/// errors.
template <class Run>
auto run_safely(const std::vector<std::string>& words, Run run) -> decltype(run()) {
    if (words.empty() || !words[0].starts_with('/'))
        return fail(ErrorKind::InvalidInput,
                    "a command's first word must be the absolute path of a program (no shell is used)");
    try {
        return run();
    } catch (const std::exception& error) {
        return fail(ErrorKind::Io, fmt::format("{}: can't be run: {}", words[0], error.what()));
    }
}

}  // namespace

core::Result<core::Secret> run_command(const core::FromCommand& command, int stop) {
    return run_safely(command.run, [&] { return run(command, stop); });
}

core::Result<void> run_program(const Program& program, int stop) {
    return run_safely(program.run, [&] { return run(program, stop); });
}

}  // namespace devkey::host
