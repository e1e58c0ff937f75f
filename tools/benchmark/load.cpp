// load URL APP CA-FILE CLIENTS SECONDS: so many clients at once, each with an owner of its own and a
// connection that is kept, do one thing after the other, for so long each: make keys, log in with a key, log
// in with a password. What was made is removed again, and who logged in logs out: that takes its time, too,
// but isn't told. Prints, as JSON, how many there were, and in a second, and the 99th percentile of what one
// took.
#include <sysexits.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "https.hpp"

namespace devkey::benchmark {
namespace {

using std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

struct Load {
    std::string url;
    std::string app;
    std::string ca_file;
    std::size_t clients = 0;
    std::chrono::seconds lasts{};
};

class Client {
 public:
    Client(SSL_CTX& context, const Load& load, std::size_t number)
        : app_(load.app),
          connection_(context, load.url),
          name_("load-" + std::to_string(number) + "@example.com") {
        const auto path = std::string(base) + "/app/" + app_ + "/auth/providers/local-userpass/register";
        const auto body = R"({"email":")" + name_ + R"(","password":")" + password_ + "\"}";
        static_cast<void>(connection_.send("POST", path, "", body));
        token_ = log_in_as_owner();
        key_ = text_field(create_key(connection_, token_, "kept"), "key");
    }

    /// Each of these: what the one thing took.
    Milliseconds make_key() {
        const auto begun = steady_clock::now();
        const auto created = create_key(connection_, token_, "made");
        const auto took = steady_clock::now() - begun;
        static_cast<void>(connection_.send(
            "DELETE", std::string(base) + "/auth/api_keys/" + text_field(created, "_id"), token_, ""));
        return took;
    }
    Milliseconds use_key() {
        return in_and_out(
            [this] { return log_in(connection_, app_, "api-key", R"({"key":")" + key_ + "\"}"); });
    }
    Milliseconds use_password() {
        return in_and_out([this] { return log_in_as_owner(); });
    }

 private:
    std::string log_in_as_owner() {
        return log_in(connection_, app_, "local-userpass",
                      R"({"username":")" + name_ + R"(","password":")" + password_ + "\"}");
    }
    template <class LogIn>
    Milliseconds in_and_out(LogIn in) {
        const auto begun = steady_clock::now();
        const auto token = in();
        const auto took = steady_clock::now() - begun;
        log_out(connection_, token);
        return took;
    }

    const std::string password_ = "correct horse 7";
    std::string app_;
    Connection connection_;
    std::string name_;
    std::string token_;
    std::string key_;
};

using Clients = std::vector<std::unique_ptr<Client>>;

/// All at once: the server hangs up on those who are silent for long.
Clients make_clients(SSL_CTX& context, const Load& load) {
    Clients clients(load.clients);
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < load.clients; ++i)
        threads.emplace_back([&, i] { clients[i] = std::make_unique<Client>(context, load, i); });
    threads.clear();
    return clients;
}

/// Prints what all of them did together.
void run(const char* name, Clients& clients, std::chrono::seconds lasts, Milliseconds (Client::*thing)()) {
    std::vector<std::vector<Milliseconds>> times(clients.size());
    const auto until = steady_clock::now() + lasts;
    {
        std::vector<std::jthread> threads;
        auto mine = times.begin();
        for (auto& client : clients)
            threads.emplace_back([&client, &own = *mine++, until, thing] {
                while (steady_clock::now() < until) own.push_back(((*client).*thing)());
            });
    }
    const Milliseconds took = steady_clock::now() - (until - lasts);
    std::vector<Milliseconds> all;
    for (const auto& own : times) all.insert(all.end(), own.begin(), own.end());
    const auto percentile = all.begin() + static_cast<std::ptrdiff_t>((all.size() * 99 - 1) / 100);
    std::ranges::nth_element(all, percentile);
    std::printf("\"%s\": {\"count\": %zu, \"per_second\": %.0f, \"p99_ms\": %.1f}", name, all.size(),
                1000.0 * static_cast<double>(all.size()) / took.count(), percentile->count());
}

void run(const Load& load) {
    const auto context = trusting(load.ca_file);
    auto clients = make_clients(*context, load);
    std::printf("{\"clients\": %zu, ", clients.size());
    run("creates", clients, load.lasts, &Client::make_key);
    std::printf(", ");
    run("key_log_ins", clients, load.lasts, &Client::use_key);
    std::printf(", ");
    run("password_log_ins", clients, load.lasts, &Client::use_password);
    std::printf("}\n");
}

}  // namespace
}  // namespace devkey::benchmark

int main(int argc, char** argv) {
    const long clients = argc == 6 ? std::atol(argv[4]) : 0;
    const long seconds = argc == 6 ? std::atol(argv[5]) : 0;
    if (clients < 1 || seconds < 1) {
        std::fputs("usage: load URL APP CA-FILE CLIENTS SECONDS\n", stderr);
        return EX_USAGE;
    }
    devkey::benchmark::run(
        {argv[1], argv[2], argv[3], static_cast<std::size_t>(clients), std::chrono::seconds{seconds}});
}
