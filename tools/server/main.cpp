// devkey-server: serve the API, and set it up and revoke keys without HTTP.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <mutex>

#include "server/api.hpp"
#include "server/crypto.hpp"
#include "server/input.hpp"
#include "server/server.hpp"

namespace devkey::server {
namespace {

using core::ErrorKind;

/// What the command line said; each command uses its part.
struct Options {
    std::string db = "/var/lib/devkey-server/devkey.db";
    std::string app;
    std::string name;
    std::string provider;
    std::string secret_file;
    std::string listen = "127.0.0.1:9443";
    std::string log = "text";
    std::string tls_cert;
    std::string tls_key;
    std::string public_url;
    bool plain_http = false;
    bool json = false;
    bool no_register = false;
};

/// Ends the program with a message and a code from sysexits.h.
struct Quit {
    int code;
    std::string message;
};

long long now_in_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

int code_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::InvalidInput:
            return EX_USAGE;
        case ErrorKind::NotFound:
            return EX_NOINPUT;
        case ErrorKind::Conflict:
        case ErrorKind::LimitReached:
            return EX_DATAERR;
        default:
            return EX_IOERR;
    }
}

template <class T>
T must(core::Result<T> result) {
    if (!result) throw Quit{code_of(result.error().kind), result.error().message};
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

std::unique_ptr<Store> open(const Options& options) {
    return must(Store::open(options.db, true));
}

void need_app(Store& store, const std::string& app) {
    if (!must(store.has_app(app)))
        throw Quit{EX_NOINPUT, "there is no app '" + app + "'; make it with 'devkey-server app create'"};
}

/// The first line of the file, or of standard input: never of the command line, which everybody can read.
core::Secret read_secret(const std::string& file, bool whole) {
    std::ifstream from_file;
    if (!file.empty()) {
        from_file.open(file);
        if (!from_file) throw Quit{EX_NOINPUT, file + ": can't be read"};
    }
    std::istream& in = file.empty() ? std::cin : from_file;
    std::string text;
    std::getline(in, text, whole ? '\0' : '\n');
    if (text.empty())
        throw Quit{EX_DATAERR, "the secret is empty; give it in --secret-file or on standard input"};
    return core::Secret::take(text);
}

/// By the id that `user list` shows, or by the name, whatever the provider. The id first: anybody may call
/// themselves like another's id.
User find_user(Store& store, const Options& options) {
    need_app(store, options.app);
    auto users = must(store.users(options.app));
    const auto by_id = std::ranges::find(users, options.name, &User::id);
    if (by_id != users.end()) return *by_id;
    std::erase_if(users, [&](const User& user) { return user.provider_id != options.name; });
    if (users.empty())
        throw Quit{EX_NOINPUT, "there is no user '" + options.name + "' in app '" + options.app + "'"};
    if (users.size() > 1)
        throw Quit{EX_USAGE, "several providers have a user '" + options.name +
                                 "'; give the id that 'devkey-server user list' shows"};
    return users.front();
}

StoredKey find_key(Store& store, const std::string& id) {
    const auto key = must(store.key(id));
    if (!key) throw Quit{EX_NOINPUT, "there is no key '" + id + "'"};
    return *key;
}

void refuse(const std::optional<std::string>& fault, int code) {
    if (fault) throw Quit{code, *fault};
}

void add_app(const Options& options) {
    refuse(fault_of_app(options.app), EX_USAGE);
    must(open(options)->add_app(options.app));
}

void add_user(const Options& options) {
    refuse(fault_of_user_name(options.name), EX_USAGE);
    const auto store = open(options);
    need_app(*store, options.app);
    const auto password = read_secret(options.secret_file, false);
    refuse(fault_of_password(password), EX_DATAERR);
    const User user{object_id(now_in_seconds()), options.app, "local-userpass", options.name,
                    hash_password(password)};
    must(store->add_user(user));
    std::cout << user.id << '\n';
}

void print(const Options& options, const std::vector<Poco::JSON::Object>& rows) {
    Poco::JSON::Array list(Poco::JSON_ESCAPE_UNICODE);
    for (const auto& row : rows) {
        if (options.json)
            list.add(row);
        else
            for (const auto& [name, value] : row)
                std::cout << name << '=' << printable(value.toString())
                          << (name == std::prev(row.end())->first ? "\n" : "  ");
    }
    if (!options.json) return;
    list.stringify(std::cout, 2);
    std::cout << '\n';
}

void list_users(const Options& options) {
    const auto store = open(options);
    need_app(*store, options.app);
    std::vector<Poco::JSON::Object> rows;
    for (const auto& user : must(store->users(options.app))) {
        Poco::JSON::Object row;
        row.set("id", user.id)
            .set("name", user.provider_id)
            .set("provider", user.provider)
            .set("disabled", user.disabled);
        rows.push_back(row);
    }
    print(options, rows);
}

void list_keys(const Options& options) {
    const auto store = open(options);
    std::vector<Poco::JSON::Object> rows;
    for (const auto& key : must(store->keys(find_user(*store, options).id))) {
        Poco::JSON::Object row;
        row.set("id", key.id).set("name", key.name).set("disabled", key.disabled);
        rows.push_back(row);
    }
    print(options, rows);
}

void set_provider(const Options& options, bool on) {
    const auto store = open(options);
    need_app(*store, options.app);
    const std::vector<std::string> known{"local-userpass", "api-key", "anon-user", "custom-token"};
    if (std::ranges::find(known, options.provider) == known.end())
        throw Quit{EX_USAGE, "provider '" + options.provider +
                                 "' is not one of local-userpass, api-key, anon-user, custom-token"};
    if (options.no_register && options.provider != "local-userpass")
        throw Quit{EX_USAGE, "--no-register is for local-userpass: nobody registers with another provider"};
    const bool needs_secret = on && options.provider == "custom-token";
    const auto secret = needs_secret ? read_secret(options.secret_file, true) : core::Secret{};
    auto text = options.no_register ? no_register : std::string(secret.reveal());
    while (text.ends_with('\n')) text.pop_back();
    if (needs_secret && !is_usable_custom_token_secret(text))
        throw Quit{EX_DATAERR, "the secret is neither an RSA public key in PEM nor a shared secret"};
    must(store->set_provider(options.app, options.provider, on, text));
}

void log_line(const Options& options, const Served& served) {
    static std::mutex one_line_at_a_time;
    const std::lock_guard lock(one_line_at_a_time);
    Poco::JSON::Object line(Poco::JSON_PRESERVE_KEY_ORDER);
    line.set("method", printable(served.method))
        .set("path", printable(served.path))
        .set("status", served.status);
    line.set("address", served.address).set("microseconds", served.microseconds);
    if (options.log == "json")
        line.stringify(std::cerr);
    else
        std::cerr << printable(served.method) << ' ' << printable(served.path) << ' ' << served.status << ' '
                  << served.microseconds << "us " << served.address;
    std::cerr << std::endl;
}

/// As devkeyd judges its owner's secret: a group may read it, and nobody else. Who reads the database can
/// sign tokens; who reads the TLS key can be us.
void need_private(const std::string& file) {
    struct stat facts{};
    if (::stat(file.c_str(), &facts) != 0) return;  // whoever opens it says so
    if ((facts.st_mode & 0026U) != 0)
        throw Quit{EX_NOPERM, file + ": others can read or change it; run: chmod 0600 " + file};
}

void serve(const Options& options) {
    if (options.tls_cert.empty() != options.tls_key.empty())
        throw Quit{EX_USAGE, "--tls-cert and --tls-key go together"};
    if (options.tls_cert.empty() && !options.plain_http)
        throw Quit{EX_USAGE, "give --tls-cert and --tls-key, or --plain-http (on a loopback address only)"};
    auto address = parse_address(options.listen);
    if (!address)
        throw Quit{EX_USAGE, "--listen '" + options.listen + "' is not like 127.0.0.1:9443 or [::1]:9443"};
    for (const auto& file : {options.db, options.db + "-wal", options.db + "-shm", options.tls_key})
        need_private(file);
    // Before any thread starts, so that only sigwait below sees them.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    const auto store = open(options);
    Api api(*store, Tokens(must(store->signing_key())), now_in_seconds);
    const auto server = must(
        Server::start({address->host, address->port, options.tls_cert, options.tls_key, options.public_url},
                      api, [&](const Served& served) { log_line(options, served); }));
    address->port = server->port();
    std::cout << "listening on " << (options.tls_cert.empty() ? "http://" : "https://") << to_text(*address)
              << std::endl;
    int signal = 0;
    sigwait(&signals, &signal);
    server->stop();
}

void forbid_core_dumps() {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0 || ::prctl(PR_SET_DUMPABLE, 0) != 0)
        throw Quit{EX_OSERR, "core dumps can't be switched off"};
}

CLI::App* command(CLI::App& parent, const std::string& name, const std::string& about,
                  std::function<void()> run) {
    auto* added = parent.add_subcommand(name, about);
    added->callback(std::move(run));
    return added;
}

void describe_setup(CLI::App& cli, Options& o) {
    command(cli, "init", "make the database", [&o] { must(Store::open(o.db, false)); });
    auto* app = cli.add_subcommand("app", "apps: what a client names in its URLs")->require_subcommand(1);
    command(*app, "create", "make an app, with the providers local-userpass and api-key",
            [&o] { add_app(o); })
        ->add_option("app", o.app)
        ->required();
    auto* provider = cli.add_subcommand("provider", "ways to log in")->require_subcommand(1);
    auto* on = command(*provider, "on", "switch a provider on", [&o] { set_provider(o, true); });
    on->add_option(
        "--secret-file", o.secret_file,
        "custom-token: the HS256 secret, or the RS256 public key in PEM (default: standard input)");
    on->add_flag("--no-register", o.no_register, "local-userpass: only 'user add' makes users");
    auto* off = command(*provider, "off", "switch a provider off", [&o] { set_provider(o, false); });
    for (auto* each : {on, off}) {
        each->add_option("app", o.app)->required();
        each->add_option("provider", o.provider)->required();
    }
}

void describe_people(CLI::App& cli, Options& o) {
    auto* user = cli.add_subcommand("user", "owners of keys")->require_subcommand(1);
    auto* add = command(*user, "add", "add a user; the password is read from --secret-file or standard input",
                        [&o] { add_user(o); });
    add->add_option("--secret-file", o.secret_file);
    auto* list = command(*user, "list", "list an app's users", [&o] { list_users(o); });
    list->add_option("app", o.app)->required();
    auto* disable = command(*user, "disable", "disable a user and end all sessions", [&o] {
        const auto store = open(o);
        must(store->disable_user(find_user(*store, o).id));
    });
    auto* key = cli.add_subcommand("key", "API keys")->require_subcommand(1);
    auto* keys = command(*key, "list", "list a user's keys", [&o] { list_keys(o); });
    for (auto* each : {add, disable, keys}) {
        each->add_option("app", o.app)->required();
        each->add_option("user", o.name)->required();
    }
    for (auto* each : {list, keys}) each->add_flag("--json", o.json, "print JSON");
    auto* key_off = command(*key, "disable", "disable a key and end its sessions", [&o] {
        const auto store = open(o);
        must(store->set_key_disabled(find_key(*store, o.name).id, true));
    });
    auto* key_gone = command(*key, "delete", "delete a key and end its sessions", [&o] {
        const auto store = open(o);
        must(store->remove_key(find_key(*store, o.name).id));
    });
    for (auto* each : {key_off, key_gone}) each->add_option("id", o.name)->required();
}

void describe_serving(CLI::App& cli, Options& o) {
    auto* serving = command(cli, "serve", "serve the API until SIGTERM", [&o] { serve(o); });
    serving->add_option("--listen", o.listen, "HOST:PORT; port 0: any free one")->capture_default_str();
    serving->add_option("--tls-cert", o.tls_cert, "certificate chain, PEM");
    serving->add_option("--tls-key", o.tls_key, "private key, PEM");
    serving->add_option("--public-url", o.public_url, "what clients are told to connect to");
    serving->add_flag("--plain-http", o.plain_http, "no TLS; on a loopback address only");
    serving->add_option("--log", o.log, "text or json, on standard error")
        ->check(CLI::IsMember({"text", "json"}));
}

int run(int argc, char** argv) {
    CLI::App cli{"A key service: user API keys as MongoDB Atlas App Services had them", "devkey-server"};
    Options options;
    cli.set_version_flag("--version", DEVKEY_VERSION);
    cli.add_option("--db", options.db, "the database file")->capture_default_str();
    cli.require_subcommand(1);
    describe_setup(cli, options);
    describe_people(cli, options);
    describe_serving(cli, options);
    try {
        forbid_core_dumps();
        cli.parse(argc, argv);
        return EX_OK;
    } catch (const CLI::ParseError& error) {
        return cli.exit(error) == 0 ? EX_OK : EX_USAGE;
    } catch (const Quit& quit) {
        std::cerr << "devkey-server: " << quit.message << '\n';
        return quit.code;
    }
}

}  // namespace
}  // namespace devkey::server

int main(int argc, char** argv) {
    return devkey::server::run(argc, argv);
}
