// Slows down whoever guesses passwords.
#pragma once

#include <map>
#include <mutex>
#include <string>

namespace devkey::server {

/// Counts failed log-ins per account and per address: after five in a row each further one doubles the wait,
/// up to five minutes. A success clears the account. Safe for any thread.
class Throttle {
 public:
    /// Seconds to wait; 0: go on.
    [[nodiscard]] long long wait(const std::string& account, const std::string& address, long long now);
    void failed(const std::string& account, const std::string& address, long long now);
    void succeeded(const std::string& account);

 private:
    struct Failures {
        int count = 0;
        long long until = 0;
        long long last = 0;
    };
    void note(const std::string& who, int free, long long now);

    std::mutex mutex_;
    std::map<std::string, Failures> failures_;
};

}  // namespace devkey::server
