// A devkey-server in process that misbehaves where a test says so. For instance, a create that is carried out
// and never answered:
//
//     fakes::Faults faults;
//     server::fit(api, faults.seam());             // before Server::start
//     faults.at("POST", "/auth/api_keys", fakes::drop_after());
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "server/api.hpp"
#include "server/seam.hpp"

namespace devkey::fakes {

/// Where a fault waits until the test opens it.
class Gate {
 public:
    void open();
    /// The test's side: true once a request has come to the gate; false after a minute without one.
    [[nodiscard]] bool reached();
    /// The fault's side: false when the server stops first. Opens by itself after `at_latest`.
    bool wait(std::stop_token stopping,
              std::chrono::milliseconds at_latest = std::chrono::milliseconds::max());

 private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    bool open_ = false;
    bool reached_ = false;
};
using GatePtr = std::shared_ptr<Gate>;

/// What becomes of one request. Several steps may be written by hand, too: see server/seam.hpp.
using Fault = std::function<void(server::Exchange&)>;

/// Never carried out; the connection ends.
[[nodiscard]] Fault drop_before();
/// Carried out and committed; the connection ends without an answer.
[[nodiscard]] Fault drop_after();
/// Waits at the gate, then is carried out and answered.
[[nodiscard]] Fault delay_before(GatePtr gate);
/// Carried out and committed; the answer waits at the gate.
[[nodiscard]] Fault delay_after(GatePtr gate);
/// The connection ends unanswered; carried out when the gate opens, or after `at_latest`. Not if the server
/// stops first.
[[nodiscard]] Fault land_late(GatePtr gate,
                              std::chrono::milliseconds at_latest = std::chrono::milliseconds::max());
/// Carried out; the connection ends before the answer's last `missing` bytes.
[[nodiscard]] Fault cut_off(std::size_t missing);
/// Carried out; the answer comes byte by byte, with a pause before each.
[[nodiscard]] Fault trickle(std::chrono::milliseconds pause);
/// Carried out; the answer's body is what `edit` makes of it. Content-Length is that of the new body.
[[nodiscard]] Fault corrupt(std::function<std::string(std::string)> edit);
/// Not carried out; answered like this instead. `headers`: whole lines, each with its \r\n.
[[nodiscard]] Fault answer_with(int status, std::string body = {}, std::string headers = {});
/// Carried out; then answered like this.
[[nodiscard]] Fault answer_after_with(int status, std::string body = {}, std::string headers = {});

/// Outlives the server. Safe for any thread.
class Faults {
 public:
    /// For the `nth` request (1: the first) from now on with this method and a path that ends like this.
    void at(const std::string& method, const std::string& path_end, Fault fault, int nth = 1);
    /// For every such request.
    void always(const std::string& method, const std::string& path_end, Fault fault);
    /// Forgets all of the above.
    void clear();

    /// From now on, look-ups and lists of this user's keys show these (as they were before, say).
    void show_keys(const std::string& user, std::vector<server::StoredKey> keys);
    /// And now what is stored.
    void show_truth();

    /// What `custom-function` does; see server::Seam.
    void set_function(std::function<std::optional<std::string>(const std::string& body)> function);

    [[nodiscard]] server::Seam seam();

 private:
    static constexpr int every = 0;
    struct Rule {
        std::string method;
        std::string path_end;
        Fault fault;
        int nth = every;
        int seen = 0;
    };
    [[nodiscard]] Fault fault_for(const server::ApiRequest& request);

    std::mutex mutex_;
    std::vector<Rule> rules_;
    std::string stale_user_;
    std::vector<server::StoredKey> stale_keys_;
    bool stale_ = false;
    std::function<std::optional<std::string>(const std::string&)> function_;
};

}  // namespace devkey::fakes
