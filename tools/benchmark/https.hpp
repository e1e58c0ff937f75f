// HTTPS by OpenSSL and nothing else: what the floor and the load are made of.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

namespace devkey::benchmark {

/// Ends the program with a message; all that these programs do about errors.
[[noreturn]] void stop(std::string_view message);

/// The text of `"name":"…"` in an answer, which is taken as it stands: nothing in it is escaped. Stops where
/// there is none.
[[nodiscard]] std::string text_field(const std::string& json, std::string_view name);

using Context = std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)>;

/// For TLS clients that trust the authorities in this PEM file, and no other.
[[nodiscard]] Context trusting(const std::string& ca_file);

struct Answer {
    int status = 0;
    std::string body;
};

/// One connection, which is kept alive. Used by one thread.
class Connection {
 public:
    /// `url`: https://ADDRESS:PORT, the address as numbers.
    Connection(SSL_CTX& context, std::string_view url);

    /// Stops where it isn't answered with a 2xx, the length of which the answer tells.
    [[nodiscard]] Answer send(std::string_view method, std::string_view path, std::string_view bearer,
                              std::string_view body);

 private:
    void read_more();

    std::string authority_;
    std::unique_ptr<BIO, decltype(&::BIO_free_all)> stream_;
    std::string read_;  ///< and not yet taken
};

/// What this protocol's calls begin with.
inline constexpr std::string_view base = "/api/client/v2.0";

/// A log-in, and the refresh token that it is answered with.
[[nodiscard]] std::string log_in(Connection& connection, std::string_view app, std::string_view provider,
                                 std::string_view body);
/// The answer to the creation of a key.
[[nodiscard]] std::string create_key(Connection& connection, std::string_view token, std::string_view name);
void log_out(Connection& connection, std::string_view token);

}  // namespace devkey::benchmark
