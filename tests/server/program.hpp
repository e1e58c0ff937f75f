// The real devkey-server as a process, and clients that speak TLS to it.
#pragma once

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/StreamCopier.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "fakes/temporary_directory.hpp"

namespace devkey::server {

/// `devkey-server --db DB ARGUMENTS…`, killed when the test is done with it. What it writes goes to DB.out
/// and DB.err.
class Program {
 public:
    Program(const std::string& db, const std::vector<std::string>& arguments)
        : out_(db + ".out" + std::to_string(++count)), err_(db + ".err" + std::to_string(count)) {
        std::vector<std::string> words{DEVKEY_SERVER, "--db", db};
        words.insert(words.end(), arguments.begin(), arguments.end());
        std::vector<char*> argv;
        for (auto& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        const int out = ::open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        const int err = ::open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(out, STDOUT_FILENO);
            ::dup2(err, STDERR_FILENO);
            ::execv(argv.front(), argv.data());
            ::_exit(127);
        }
        ::close(out);
        ::close(err);
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program() {
        if (pid_ > 0) end(SIGKILL);
    }

    /// As its first line says; 0 when it ends first, or says nothing for a minute.
    [[nodiscard]] std::uint16_t port() const {
        for (int i = 0; i < 6000; ++i) {
            const auto said = output();
            if (said.find('\n') != std::string::npos)
                return static_cast<std::uint16_t>(std::stoi(said.substr(said.rfind(':') + 1)));
            siginfo_t ended{};
            if (::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
                ended.si_pid != 0)
                break;
            ::usleep(10'000);
        }
        return 0;
    }
    void signal(int number) const { ::kill(pid_, number); }
    /// The exit code, or minus the signal that ended it; killed after a minute.
    int wait() {
        int status = 0;
        int tries = 6000;
        while (::waitpid(pid_, &status, --tries > 0 ? WNOHANG : 0) == 0)
            if (tries == 1)
                ::kill(pid_, SIGKILL);
            else
                ::usleep(10'000);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    int end(int number) {
        signal(number);
        return wait();
    }
    [[nodiscard]] std::string output() const { return fakes::content_of(out_); }
    [[nodiscard]] std::string errors() const { return fakes::content_of(err_); }

 private:
    static inline int count = 0;
    std::string out_;
    std::string err_;
    pid_t pid_ = -1;
};

struct TlsAnswer {
    int status = 0;
    std::string body;
    Poco::Net::HTTPResponse head;
    [[nodiscard]] std::string field(const std::string& name) const {
        return Poco::JSON::Parser().parse(body).extract<Poco::JSON::Object::Ptr>()->optValue<std::string>(
            name, "");
    }
};

/// One connection. Throws Poco's exceptions when the server goes.
class TlsClient {
 public:
    TlsClient(std::uint16_t port, const std::string& ca_file)
        : session_("127.0.0.1", port,
                   new Poco::Net::Context(Poco::Net::Context::TLS_CLIENT_USE, ca_file,
                                          Poco::Net::Context::VERIFY_STRICT)) {
        session_.setKeepAlive(true);
        session_.setTimeout(Poco::Timespan(60, 0));
    }
    void send(const std::string& method, const std::string& path, const std::string& body = {},
              const std::string& token = {}) {
        Poco::Net::HTTPRequest request(method, "/api/client/v2.0" + path, "HTTP/1.1");
        request.setKeepAlive(true);
        request.setContentLength64(static_cast<Poco::Int64>(body.size()));
        if (!token.empty()) request.set("Authorization", "Bearer " + token);
        session_.sendRequest(request) << body << std::flush;
    }
    TlsAnswer receive() {
        TlsAnswer answer;
        Poco::StreamCopier::copyToString(session_.receiveResponse(answer.head), answer.body);
        answer.status = answer.head.getStatus();
        return answer;
    }
    TlsAnswer call(const std::string& method, const std::string& path, const std::string& body = {},
                   const std::string& token = {}) {
        send(method, path, body, token);
        return receive();
    }
    std::string log_in(const std::string& user) {
        return call("POST", "/app/app/auth/providers/local-userpass/login",
                    R"({"username":")" + user + R"(","password":"hunter22"})")
            .field("refresh_token");
    }
    TlsAnswer create(const std::string& name, const std::string& token) {
        return call("POST", "/auth/api_keys", R"({"name":")" + name + R"("})", token);
    }

 private:
    Poco::Net::HTTPSClientSession session_;
};

}  // namespace devkey::server
