// A program as a process of its own.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "fakes/temporary_directory.hpp"
#include "fakes/wait_until.hpp"

namespace devkey::fakes {

/// Killed when the test is done with it.
class Process {
 public:
    /// The program's path and its arguments. What it writes goes to files: `output` + ".out" and ".err".
    /// `environment`: NAME=value, beside the test's own, and in the place of those of the same name.
    /// `prepare`: called in the new process just before the program; false: it isn't started.
    Process(std::vector<std::string> words, const std::string& output,
            std::vector<std::string> environment = {}, bool (*prepare)() = nullptr)
        : out_(output + ".out"), err_(output + ".err") {
        auto argv = pointers_to(words);
        add_own(environment);
        auto variables = pointers_to(environment);
        const int out = ::open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        const int err = ::open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(out, STDOUT_FILENO);
            ::dup2(err, STDERR_FILENO);
            // Poco's sockets are inherited otherwise: a server's port would stay open in its own client.
            ::close_range(STDERR_FILENO + 1, ~0U, 0);
            if (prepare == nullptr || prepare()) ::execvpe(argv.front(), argv.data(), variables.data());
            ::_exit(127);
        }
        ::close(out);
        ::close(err);
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process() {
        if (pid_ > 0) end(SIGKILL);
    }

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool is_running() const {
        siginfo_t ended{};
        return pid_ > 0 &&
               ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               ended.si_pid == 0;
    }
    void signal(int number) const { ::kill(pid_, number); }
    /// The exit code, or minus the signal that ended it; killed after a minute.
    int wait() {
        if (!wait_until([this] { return !is_running(); })) signal(SIGKILL);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    int end(int number) {
        signal(number);
        return wait();
    }
    [[nodiscard]] std::string output() const { return content_of(out_); }
    [[nodiscard]] std::string errors() const { return content_of(err_); }

 private:
    static void add_own(std::vector<std::string>& environment) {
        const auto given = environment;
        for (char** own = environ; *own != nullptr; ++own) {
            const std::string one = *own;
            // A shell takes the last of two.
            if (std::ranges::none_of(given, [&](const std::string& word) {
                    return one.starts_with(word.substr(0, word.find('=') + 1));
                }))
                environment.push_back(one);
        }
    }
    static std::vector<char*> pointers_to(std::vector<std::string>& words) {
        std::vector<char*> pointers;
        for (auto& word : words) pointers.push_back(word.data());
        pointers.push_back(nullptr);
        return pointers;
    }

    std::string out_;
    std::string err_;
    pid_t pid_ = -1;
};

}  // namespace devkey::fakes
