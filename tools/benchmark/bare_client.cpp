// The floor: what devkeyd does for its first key, by OpenSSL and nothing else. The same requests in the same
// order over one connection, and the same file; no state, no policy, no log, and about errors nothing but a
// message. tests/e2e/bare_client_test.cpp holds that the requests are devkeyd's.
#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "https.hpp"

namespace devkey::benchmark {
namespace {

constexpr auto usage =
    "usage: bare_client URL APP CA-FILE USERNAME SECRET-FILE NAME CREDENTIAL-FILE [--rotate] [--wait]\n"
    "Makes a key NAME, unless CREDENTIAL-FILE is there, which then is read. --rotate: makes one in any "
    "case,\n"
    "and removes the one before. Says 'ready'. --wait: then waits for a signal.\n";

struct Job {
    std::string url;
    std::string app;
    std::string ca_file;
    std::string username;
    std::string secret_file;
    std::string name;
    std::string credential_file;
};

std::string content_of(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string secret_of(const Job& job) {
    const auto text = content_of(job.secret_file);
    return text.substr(0, text.find('\n'));
}

void write_atomically(const std::string& path, const std::string& text) {
    const auto temporary = path + ".new";
    const int out = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const auto written = ::write(out, text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size()) || ::fsync(out) != 0)
        stop(temporary + ": can't be written");
    ::close(out);
    if (std::rename(temporary.c_str(), path.c_str()) != 0) stop(path + ": can't be written");
    const int folder = ::open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (::fsync(folder) != 0) stop(path + ": its folder can't be brought to disk");
    ::close(folder);
}

std::string credential_of(const Job& job, const std::string& created) {
    std::string text = R"({"version":1,"service":")" + job.url + R"(","app":")" + job.app;
    text.append(R"(","key_id":")").append(text_field(created, "_id"));
    text.append(R"(","key_name":")").append(text_field(created, "name"));
    text.append(R"(","key":")").append(text_field(created, "key")).append("\"}\n");
    return text;
}

// Publishes a key that has logged in; `former`: the id of a key that goes then.
void make_key(SSL_CTX& context, const Job& job, const std::string& former) {
    Connection connection(context, job.url);
    const auto located = connection.send("GET", std::string(base) + "/app/" + job.app + "/location", "", "");
    if (text_field(located.body, "hostname") != job.url) stop("the app is elsewhere");
    const auto owner =
        log_in(connection, job.app, "local-userpass",
               R"({"username":")" + job.username + R"(","password":")" + secret_of(job) + "\"}");
    const auto keys = std::string(base) + "/auth/api_keys";
    const auto listed = connection.send("GET", keys, owner, "");
    if (listed.body.find("\"name\":\"" + job.name + "\"") != std::string::npos) stop("the name is taken");
    const auto created = create_key(connection, owner, job.name);
    const auto device =
        log_in(connection, job.app, "api-key", R"({"key":")" + text_field(created, "key") + "\"}");
    log_out(connection, device);
    write_atomically(job.credential_file, credential_of(job, created));
    if (!former.empty()) static_cast<void>(connection.send("DELETE", keys + "/" + former, owner, ""));
    log_out(connection, owner);
}

void run(const Job& job, bool rotate, bool wait) {
    const auto credential = content_of(job.credential_file);
    // A start with a key trusts nobody yet, and reads nothing of that.
    if (rotate || credential.empty())
        make_key(*trusting(job.ca_file), job, rotate ? text_field(credential, "key_id") : "");
    std::puts("ready");
    std::fflush(stdout);
    if (wait) ::pause();
}

}  // namespace
}  // namespace devkey::benchmark

int main(int argc, char** argv) {
    const std::vector<std::string_view> words(argv + 1, argv + argc);
    constexpr int named = 7;
    bool rotate = false;
    bool wait = false;
    for (std::size_t i = named; i < words.size(); ++i) {
        rotate = rotate || words[i] == "--rotate";
        wait = wait || words[i] == "--wait";
    }
    if (words.size() < named || words.size() != named + static_cast<std::size_t>(rotate) + wait) {
        std::fputs(devkey::benchmark::usage, stderr);
        return EX_USAGE;
    }
    const auto word = [&](std::size_t i) { return std::string(words[i]); };
    devkey::benchmark::run({word(0), word(1), word(2), word(3), word(4), word(5), word(6)}, rotate, wait);
}
