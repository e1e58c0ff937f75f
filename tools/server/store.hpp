// What the server keeps, in SQLite.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace devkey::server {

struct User {
    std::string id;
    std::string app;
    std::string provider;
    std::string provider_id;  ///< the e-mail address, the token's subject, or nothing
    std::string password;     ///< as hash_password makes it; local-userpass only
    bool disabled = false;
};

struct StoredKey {
    std::string id;
    std::string user;
    std::string name;
    bool disabled = false;
};

/// A refresh token that was handed out, by its hash.
struct StoredSession {
    std::string user;
    std::string provider;
    std::string key;  ///< the key it was opened with, if one was
    std::int64_t expires = 0;
};

/// What set_provider takes as local-userpass's secret: its users log in, and nobody registers.
inline constexpr const char* no_register = "no-register";

/// Every write is on disk when the call answers (WAL, synchronous=FULL), and whole: a kill -9 leaves all of
/// it or nothing. Safe for any thread, and for several processes on one file. Errors: InvalidInput, NotFound,
/// Conflict, LimitReached, Io.
class Store {
 public:
    static constexpr int keys_per_user = 20;  // as the hosted service documented; disabled ones count

    /// Opens, and makes the tables in a new file. `must_exist`: a missing file is NotFound.
    [[nodiscard]] static core::Result<std::unique_ptr<Store>> open(const std::string& file, bool must_exist);
    ~Store();

    [[nodiscard]] core::Result<std::string> signing_key();
    /// What SQLite says of this connection: journal_mode and synchronous ("wal 2": WAL, FULL).
    [[nodiscard]] core::Result<std::string> durability();

    [[nodiscard]] core::Result<void> add_app(const std::string& app);
    [[nodiscard]] core::Result<bool> has_app(const std::string& app);
    /// `secret`: for custom-token, the HS256 secret or the RS256 public key in PEM; for local-userpass,
    /// no_register or nothing.
    [[nodiscard]] core::Result<void> set_provider(const std::string& app, const std::string& provider,
                                                  bool on, const std::string& secret);
    /// The provider's secret (maybe empty); none: it is off.
    [[nodiscard]] core::Result<std::optional<std::string>> provider(const std::string& app,
                                                                    const std::string& provider);

    [[nodiscard]] core::Result<void> add_user(const User& user);
    [[nodiscard]] core::Result<std::optional<User>> find_user(const std::string& app,
                                                              const std::string& provider,
                                                              const std::string& provider_id);
    [[nodiscard]] core::Result<std::optional<User>> user(const std::string& id);
    [[nodiscard]] core::Result<std::vector<User>> users(const std::string& app);
    /// Revokes the user's sessions too.
    [[nodiscard]] core::Result<void> disable_user(const std::string& id);

    /// Conflict: the user has a key of that name. LimitReached: the user has keys_per_user.
    [[nodiscard]] core::Result<void> add_key(const StoredKey& key, const std::string& hash);
    [[nodiscard]] core::Result<std::vector<StoredKey>> keys(const std::string& user);
    [[nodiscard]] core::Result<std::optional<StoredKey>> key(const std::string& id);
    [[nodiscard]] core::Result<std::optional<StoredKey>> key_by_hash(const std::string& hash);
    /// Both revoke the sessions that were opened with the key.
    [[nodiscard]] core::Result<void> set_key_disabled(const std::string& id, bool disabled);
    [[nodiscard]] core::Result<void> remove_key(const std::string& id);

    /// Looks again, in the same transaction, whether the log-in still holds. Forbidden: its user is disabled.
    /// NotFound: its user or its key is gone, or the key is disabled. Forgets the sessions that ended before
    /// `now` (seconds since 1970).
    [[nodiscard]] core::Result<void> add_session(const std::string& hash, const StoredSession& session,
                                                 std::int64_t now);
    [[nodiscard]] core::Result<std::optional<StoredSession>> session(const std::string& hash);
    [[nodiscard]] core::Result<void> remove_session(const std::string& hash);

 private:
    struct Database;
    explicit Store(std::unique_ptr<Database> database);

    template <class Work>
    auto run(Work work) -> core::Result<decltype(work())>;
    template <class Work>
    [[nodiscard]] core::Result<void> write(Work work);
    [[nodiscard]] std::vector<User> select_users(const std::string& where, const std::string& a,
                                                 const std::string& b, const std::string& c);
    [[nodiscard]] std::vector<StoredKey> select_keys(const std::string& where, const std::string& value);

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace devkey::server
