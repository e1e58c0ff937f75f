// Slows down whoever guesses.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

namespace devkey::server {

/// Counts failed log-ins per account and per address. An account may fail 5 times, and then once a minute; an
/// address, which a site's devices may share, 50 times, and then once in 10 seconds: so nobody is kept
/// waiting for longer than a minute. A success forgets the account's failures. Safe for any thread.
class Throttle {
 public:
    /// One try. It takes its place when it begins: tries side by side can't outrun the count.
    class Attempt {
     public:
        /// Waits while as many tries are under way as may still fail. `account` empty: there is none to count
        /// for. `now`: seconds since 1970.
        Attempt(Throttle& throttle, const std::string& account, const std::string& address, long long now);
        Attempt(const Attempt&) = delete;
        Attempt& operator=(const Attempt&) = delete;
        ~Attempt();
        /// Seconds until it may be tried; 0: now. The other calls are for then alone.
        [[nodiscard]] long long wait() const { return wait_; }
        void failed();
        void succeeded();

     private:
        Throttle& throttle_;
        std::string account_;
        std::string address_;
        long long wait_ = 0;
    };

 private:
    struct Allowance {
        int failures;
        long long seconds;  ///< after which one failure is forgotten
    };
    struct Count {
        int failures = 0;
        long long since = 0;  ///< when the last one was forgotten
        int under_way = 0;
    };
    static const Allowance per_account;
    static const Allowance per_address;

    using Counts = std::map<std::string, Count>;
    static void forget(Counts& counts, const Allowance& allowance, long long now);
    [[nodiscard]] static long long wait(const Counts& counts, const std::string& who,
                                        const Allowance& allowance, long long now);
    [[nodiscard]] static bool has_room(const Counts& counts, const std::string& who,
                                       const Allowance& allowance);
    static void begin(Counts& counts, const std::string& who, long long now);

    std::mutex mutex_;
    std::condition_variable ended_;
    Counts accounts_;
    Counts addresses_;
};

}  // namespace devkey::server
