#include "server/store.hpp"

#include <Poco/Data/RecordSet.h>
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/Session.h>
#include <Poco/Exception.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "server/crypto.hpp"

namespace devkey::server {

using core::ErrorKind;
using core::fail;
using core::Result;
using namespace Poco::Data::Keywords;

struct Store::Database {
    Poco::Data::Session session;
};

namespace {

/// Thrown inside a transaction to undo it; ends in Store::run.
struct Refused {
    core::Error error;
};

constexpr const char* schema[] = {
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS apps (id TEXT PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS providers (app TEXT NOT NULL, name TEXT NOT NULL, secret TEXT NOT NULL, "
    "PRIMARY KEY (app, name))",
    "CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, app TEXT NOT NULL, provider TEXT NOT NULL, "
    "provider_id TEXT NOT NULL, "
    "password TEXT NOT NULL, disabled INTEGER NOT NULL, UNIQUE (app, provider, provider_id))",
    "CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, user TEXT NOT NULL, name TEXT NOT NULL, hash TEXT "
    "NOT NULL UNIQUE, "
    "disabled INTEGER NOT NULL, UNIQUE (user, name))",
    "CREATE TABLE IF NOT EXISTS sessions (hash TEXT PRIMARY KEY, user TEXT NOT NULL, provider TEXT NOT NULL, "
    "key TEXT NOT NULL, "
    "expires INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS sessions_of_key ON sessions (key)",
    "CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (user)",
    "CREATE INDEX IF NOT EXISTS sessions_by_end ON sessions (expires)",
};

void prepare(Poco::Data::Session& session) {
    std::string mode;
    session << "PRAGMA journal_mode=WAL", into(mode), now;
    session << "PRAGMA synchronous=FULL", now;
    int timeout = 0;
    session << "PRAGMA busy_timeout=10000", into(timeout), now;
    for (const char* statement : schema) session << statement, now;
    const std::string name = "signing_key";
    const std::string value = random_hex(32);
    session << "INSERT OR IGNORE INTO meta VALUES (?, ?)", bind(name), bind(value), now;
}

/// A new file; SQLite gives those that it puts beside it (-wal, -shm) the same mode. The process's umask,
/// which is every thread's, stays as it is. One that is there isn't opened: to close it again would end the
/// locks that this process may have on it.
void make_for_us_alone(const std::string& file) {
    const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made >= 0)
        ::close(made);
    else if (errno != EEXIST)
        throw Poco::OpenFileException(std::strerror(errno));
}

}  // namespace

Store::Store(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& file, bool must_exist) {
    if (must_exist && ::access(file.c_str(), F_OK) != 0)
        return fail(ErrorKind::NotFound, file + ": there is no database; make one with 'devkey-server init'");
    try {
        make_for_us_alone(file);
        Poco::Data::SQLite::Connector::registerConnector();
        auto database = std::make_unique<Database>(Poco::Data::Session("SQLite", file, 10));
        prepare(database->session);
        return std::unique_ptr<Store>(new Store(std::move(database)));
    } catch (const Poco::Exception& error) {
        return fail(ErrorKind::Io, file + ": can't be used as a database: " + error.displayText());
    }
}

template <class Work>
auto Store::run(Work work) -> Result<decltype(work())> {
    const std::lock_guard lock(mutex_);
    try {
        return work();
    } catch (const Refused& refused) {
        return std::unexpected(refused.error);
    } catch (const Poco::Exception& error) {
        return fail(ErrorKind::Io, "database: " + error.displayText());
    }
}

template <class Work>
Result<void> Store::write(Work work) {
    const auto done = run([&] {
        auto& session = database_->session;
        // IMMEDIATE: what is counted now is still so when it is written, also for other processes.
        session << "BEGIN IMMEDIATE", now;
        try {
            work(session);
            session << "COMMIT", now;
        } catch (...) {
            session << "ROLLBACK", now;
            throw;
        }
        return true;
    });
    if (!done) return std::unexpected(done.error());
    return {};
}

Result<std::string> Store::signing_key() {
    return run([&] {
        std::string value;
        database_->session << "SELECT value FROM meta WHERE name = 'signing_key'", into(value), now;
        return value;
    });
}

Result<std::string> Store::durability() {
    return run([&] {
        std::string mode;
        int synchronous = 0;
        database_->session << "PRAGMA journal_mode", into(mode), now;
        database_->session << "PRAGMA synchronous", into(synchronous), now;
        return mode + " " + std::to_string(synchronous);
    });
}

Result<void> Store::add_app(const std::string& app) {
    return write([&](auto& session) {
        int known = 0;
        session << "SELECT count(*) FROM apps WHERE id = ?", into(known), bind(app), now;
        if (known != 0) throw Refused{{ErrorKind::Conflict, "there is an app '" + app + "' already"}};
        session << "INSERT INTO apps VALUES (?)", bind(app), now;
        for (const std::string name : {"local-userpass", "api-key"})
            session << "INSERT INTO providers VALUES (?, ?, '')", bind(app), bind(name), now;
    });
}

Result<bool> Store::has_app(const std::string& app) {
    return run([&] {
        int known = 0;
        database_->session << "SELECT count(*) FROM apps WHERE id = ?", into(known), bind(app), now;
        return known != 0;
    });
}

Result<void> Store::set_provider(const std::string& app, const std::string& provider, bool on,
                                 const std::string& secret) {
    return write([&](auto& session) {
        session << "DELETE FROM providers WHERE app = ? AND name = ?", bind(app), bind(provider), now;
        if (on)
            session << "INSERT INTO providers VALUES (?, ?, ?)", bind(app), bind(provider), bind(secret), now;
    });
}

Result<std::optional<std::string>> Store::provider(const std::string& app, const std::string& provider) {
    return run([&]() -> std::optional<std::string> {
        std::vector<std::string> secrets;
        database_->session << "SELECT secret FROM providers WHERE app = ? AND name = ?", into(secrets),
            bind(app), bind(provider), now;
        if (secrets.empty()) return std::nullopt;
        return secrets.front();
    });
}

std::vector<User> Store::select_users(const std::string& where, const std::string& a, const std::string& b,
                                      const std::string& c) {
    std::vector<std::string> ids;
    std::vector<std::string> apps;
    std::vector<std::string> providers;
    std::vector<std::string> provider_ids;
    std::vector<std::string> passwords;
    std::vector<int> disabled;
    database_->session << "SELECT id, app, provider, provider_id, password, disabled FROM users WHERE " +
                              where,
        into(ids), into(apps), into(providers), into(provider_ids), into(passwords), into(disabled), bind(a),
        bind(b), bind(c), now;
    std::vector<User> users;
    for (std::size_t i = 0; i < ids.size(); ++i)
        users.push_back({ids[i], apps[i], providers[i], provider_ids[i], passwords[i], disabled[i] != 0});
    return users;
}

Result<void> Store::add_user(const User& user) {
    return write([&](auto& session) {
        if (!select_users("app = ? AND provider = ? AND provider_id = ?", user.app, user.provider,
                          user.provider_id)
                 .empty())
            throw Refused{{ErrorKind::Conflict, "name already in use"}};
        const int disabled = user.disabled ? 1 : 0;
        session << "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?)", bind(user.id), bind(user.app),
            bind(user.provider), bind(user.provider_id), bind(user.password), bind(disabled), now;
    });
}

Result<std::optional<User>> Store::find_user(const std::string& app, const std::string& provider,
                                             const std::string& provider_id) {
    return run([&]() -> std::optional<User> {
        auto users = select_users("app = ? AND provider = ? AND provider_id = ?", app, provider, provider_id);
        if (users.empty()) return std::nullopt;
        return users.front();
    });
}

Result<std::optional<User>> Store::user(const std::string& id) {
    return run([&]() -> std::optional<User> {
        auto users = select_users("id = ? AND ? = ?", id, "", "");
        if (users.empty()) return std::nullopt;
        return users.front();
    });
}

Result<std::vector<User>> Store::users(const std::string& app) {
    return run([&] { return select_users("app = ? AND ? = ? ORDER BY id", app, "", ""); });
}

Result<void> Store::disable_user(const std::string& id) {
    return write([&](auto& session) {
        session << "UPDATE users SET disabled = 1 WHERE id = ?", bind(id), now;
        session << "DELETE FROM sessions WHERE user = ?", bind(id), now;
    });
}

std::vector<StoredKey> Store::select_keys(const std::string& where, const std::string& value) {
    std::vector<std::string> ids;
    std::vector<std::string> users;
    std::vector<std::string> names;
    std::vector<int> disabled;
    database_->session << "SELECT id, user, name, disabled FROM keys WHERE " + where + " ORDER BY id",
        into(ids), into(users), into(names), into(disabled), bind(value), now;
    std::vector<StoredKey> keys;
    for (std::size_t i = 0; i < ids.size(); ++i)
        keys.push_back({ids[i], users[i], names[i], disabled[i] != 0});
    return keys;
}

Result<void> Store::add_key(const StoredKey& key, const std::string& hash) {
    return write([&](auto& session) {
        const auto keys = select_keys("user = ?", key.user);
        for (const auto& other : keys)
            if (other.name == key.name)
                throw Refused{{ErrorKind::Conflict, "API key with name already exists"}};
        if (keys.size() >= keys_per_user)
            throw Refused{{ErrorKind::LimitReached, "a user has at most 20 API keys"}};
        session << "INSERT INTO keys VALUES (?, ?, ?, ?, 0)", bind(key.id), bind(key.user), bind(key.name),
            bind(hash), now;
    });
}

Result<std::vector<StoredKey>> Store::keys(const std::string& user) {
    return run([&] { return select_keys("user = ?", user); });
}

Result<std::optional<StoredKey>> Store::key(const std::string& id) {
    return run([&]() -> std::optional<StoredKey> {
        auto keys = select_keys("id = ?", id);
        if (keys.empty()) return std::nullopt;
        return keys.front();
    });
}

Result<std::optional<StoredKey>> Store::key_by_hash(const std::string& hash) {
    return run([&]() -> std::optional<StoredKey> {
        auto keys = select_keys("hash = ?", hash);
        if (keys.empty()) return std::nullopt;
        return keys.front();
    });
}

Result<void> Store::set_key_disabled(const std::string& id, bool disabled) {
    return write([&](auto& session) {
        const int value = disabled ? 1 : 0;
        session << "UPDATE keys SET disabled = ? WHERE id = ?", bind(value), bind(id), now;
        if (disabled) session << "DELETE FROM sessions WHERE key = ?", bind(id), now;
    });
}

Result<void> Store::remove_key(const std::string& id) {
    return write([&](auto& session) {
        session << "DELETE FROM keys WHERE id = ?", bind(id), now;
        session << "DELETE FROM sessions WHERE key = ?", bind(id), now;
    });
}

Result<void> Store::add_session(const std::string& hash, const StoredSession& added, std::int64_t at) {
    return write([&](auto& session) {
        session << "DELETE FROM sessions WHERE expires <= ?", bind(at), now;
        const auto users = select_users("id = ? AND ? = ?", added.user, "", "");
        if (users.empty()) throw Refused{{ErrorKind::NotFound, "the user is gone"}};
        if (users.front().disabled) throw Refused{{ErrorKind::Forbidden, "the user is disabled"}};
        const auto keys = select_keys("id = ?", added.key);
        if (!added.key.empty() && (keys.empty() || keys.front().disabled))
            throw Refused{{ErrorKind::NotFound, "the key is gone or disabled"}};
        session << "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", bind(hash), bind(added.user),
            bind(added.provider), bind(added.key), bind(added.expires), now;
    });
}

Result<std::optional<StoredSession>> Store::session(const std::string& hash) {
    return run([&]() -> std::optional<StoredSession> {
        StoredSession found;
        database_->session << "SELECT user, provider, key, expires FROM sessions WHERE hash = ?",
            into(found.user), into(found.provider), into(found.key), into(found.expires), bind(hash), now;
        if (found.user.empty()) return std::nullopt;
        return found;
    });
}

Result<void> Store::remove_session(const std::string& hash) {
    return write([&](auto& session) { session << "DELETE FROM sessions WHERE hash = ?", bind(hash), now; });
}

}  // namespace devkey::server
