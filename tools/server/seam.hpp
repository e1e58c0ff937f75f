// Where a test takes hold of the server. The shipped program can't: `fit` is declared here and defined in
// tests/fakes/faults.cpp alone, so a program that isn't linked with the tests can't call it, and nobody else
// can set what it sets (tests/server/seam_is_out_of_reach looks into the binary).
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "server/store.hpp"

namespace devkey::server {

class Api;
struct ApiRequest;
struct ApiAnswer;

/// One request on its connection, and the steps that the server takes with it, for a test to take otherwise:
/// the server's own way is `send(carry_out())`. Used by one thread.
class Exchange {
 public:
    virtual ~Exchange() = default;
    [[nodiscard]] virtual const ApiRequest& request() const = 0;
    /// What the request changes is committed when this answers.
    virtual ApiAnswer carry_out() = 0;
    /// The answer as it goes over the wire, headers and body.
    [[nodiscard]] virtual std::string bytes_of(const ApiAnswer& answer) = 0;
    /// False: the client is gone. What isn't a whole answer must be followed by `close`.
    virtual bool send(std::string_view bytes) = 0;
    /// Ends the connection, now. The request may still be carried out.
    virtual void close() = 0;
    /// Says when the server wants to stop: whatever waits must end then.
    [[nodiscard]] virtual std::stop_token stopping() const = 0;
};

/// Each is empty in the shipped program. Called from the server's threads, several at once.
struct Seam {
    /// In place of the server's own way.
    std::function<void(Exchange&)> exchange{};
    /// What a look-up or a list shows of the user's keys; `keys` is what is stored.
    std::function<std::vector<StoredKey>(const std::string& user, std::vector<StoredKey> keys)> read_keys{};
    /// What the provider `custom-function` does with a log-in's body (JSON): answers who it is, or nobody.
    /// The provider must be switched on in the store, too.
    std::function<std::optional<std::string>(const std::string& body)> custom_function{};
};

/// Before the server is started with this api.
void fit(Api& api, Seam seam);

}  // namespace devkey::server
