// The open connections: how many each address has, and how long each may still keep us waiting.
#pragma once

#include <Poco/Net/IPAddress.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace devkey::server {

/// What counts as one client: an IPv4 address, or the 64 bits of an IPv6 address that a site is given.
[[nodiscard]] std::string client_of(const Poco::Net::IPAddress& host);

/// Poco bounds each read, so a client that trickles would hold a thread for ever; here a thread of our own
/// ends the reading of a request that isn't whole in time. Safe for any thread.
class Connections {
 public:
    /// `patience`: from the opening of the connection, or the last answer, to the end of a request (TLS
    /// handshake, headers and body together); and for the sending of an answer. `each`: the most connections
    /// of one client.
    Connections(std::chrono::milliseconds patience, std::size_t each);
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;
    ~Connections();

    /// One connection's place; gives it back when it ends.
    class Place {
     public:
        Place(Connections& connections, int socket, std::string client);
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place();
        /// False: the client has its share already, or the server is stopping. The other calls do nothing
        /// then.
        [[nodiscard]] bool taken() const { return socket_ >= 0; }
        /// The request is whole: the client isn't waited for.
        void answer();
        /// The client is waited for: to take what we send, or to send the next request.
        void wait_for_client();

     private:
        Connections& connections_;
        std::string client_;
        int socket_ = -1;  ///< a copy: ours as long as we are, whatever Poco closes
    };

    /// Reads nothing more; a request that is whole by now gets `grace` to be answered. Answers when no
    /// connection is left, or ends those that are.
    void stop(std::chrono::milliseconds grace);

 private:
    using Clock = std::chrono::steady_clock;
    void watch(const std::stop_token& stop);
    void change();
    void set_deadline(int socket, Clock::time_point deadline);

    const std::chrono::milliseconds patience_;
    const std::size_t each_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<int, Clock::time_point> deadlines_;  ///< by socket; max(): none
    std::map<std::string, std::size_t> clients_;
    std::uint64_t changes_ = 0;
    bool stopping_ = false;
    std::jthread watchdog_;
};

}  // namespace devkey::server
