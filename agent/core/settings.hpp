// Who and where: the content of devkeyd.yaml, as plain values. settings/ reads them, main wires by them.
#pragma once

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "core/credential.hpp"
#include "core/policy.hpp"
#include "core/time.hpp"

namespace devkey::core {

/// A systemd credential: a file of that name in $CREDENTIALS_DIRECTORY.
struct FromCredential {
    std::string name;
};
/// A file, by absolute path.
struct FromFile {
    std::string path;
};
/// What a program prints: an argument list (no shell), ended after `timeout`.
struct FromCommand {
    std::vector<std::string> run;
    Millis timeout = std::chrono::seconds{10};
};
/// The value itself.
struct FromLiteral {
    std::string value;
};
/// systemd's machine id, hashed with our application id: the raw one never leaves the machine.
struct FromMachineId {};
/// The host name, without its domain.
struct FromHostname {};

using SecretSource = std::variant<FromCredential, FromFile, FromCommand>;
using DeviceIdSource = std::variant<FromLiteral, FromMachineId, FromHostname, FromFile, FromCommand>;

struct ServiceSettings {
    std::string url;  ///< scheme://host[:port], no path, no trailing slash
    std::string app;
    std::string ca_file;  ///< PEM; empty: the system's certificates
    std::vector<std::string>
        allowed_hosts;        ///< hosts (with port if not 443) `location` may name, beside url's own
    bool plain_http = false;  ///< allows http:// in url, to a loopback address only
    Millis connect_timeout = std::chrono::seconds{10};  ///< name look-up, TCP and TLS together
    Millis request_timeout = std::chrono::seconds{30};  ///< a whole request and its answer
};

/// How to log in as the owner.
enum class OwnerProvider { LocalUserpass, CustomToken, CustomFunction };

/// The provider's name on the wire: `local-userpass`, `custom-token`, `custom-function`.
[[nodiscard]] std::string_view name_of(OwnerProvider provider);

struct OwnerSettings {
    OwnerProvider provider = OwnerProvider::LocalUserpass;
    std::string username;  ///< local-userpass only
    SecretSource secret;   ///< the password, the token, or the function's JSON object
};

struct CredentialFileSettings {
    std::string path = "/var/lib/devkeyd/credential.json";
    CredentialFormat format = CredentialFormat::Json;
    unsigned mode = 0600;
    std::string group;  ///< empty: the process's own
};

/// The socket on which devkeyctl talks to the daemon.
struct ControlSettings {
    std::string socket = "/run/devkeyd/control.sock";  ///< at most 107 bytes
    std::string read_group;    ///< its members may ask what changes nothing; empty: nobody but root and us
    std::string change_group;  ///< its members may ask for anything; empty: likewise
};

/// The socket from which systemd fetches the key for the units that it starts.
struct CredentialSocketSettings {
    std::string path = "/run/devkeyd/credential.sock";  ///< at most 107 bytes
    std::vector<std::string> units;  ///< who may have it, a template for all its instances; none: no socket
};

/// What monitoring reads.
struct MetricsSettings {
    std::string textfile;  ///< for node_exporter's textfile collector; empty: none is written
};

struct Settings {
    ServiceSettings service;
    OwnerSettings owner;
    DeviceIdSource device_id = FromMachineId{};
    std::string key_prefix = "devkey";
    CredentialFileSettings credential_file;
    std::string state_directory = "/var/lib/devkeyd";
    ControlSettings control;
    CredentialSocketSettings credential_socket;
    MetricsSettings metrics;
    Policy policy;
};

/// How long the worker may at most be busy without beginning or ending anything on the network: all its
/// deadlines together, and what a slow disk may take.
[[nodiscard]] Millis longest_step(const Settings& settings);

}  // namespace devkey::core
