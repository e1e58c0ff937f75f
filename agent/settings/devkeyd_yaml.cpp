#include "settings/devkeyd_yaml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "core/unit_name.hpp"
#include "settings/address.hpp"
#include "settings/section.hpp"

namespace devkey::settings {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t longest_text = 320;         // an e-mail address
constexpr std::size_t longest_socket_path = 107;  // what sockaddr_un holds
constexpr std::size_t longest_file_name = 240;    // 255, with room for the name of the temporary file

/// Whether it consists of letters, digits and `others` only.
bool is_word(std::string_view text, std::string_view others) {
    return std::ranges::all_of(text, [others](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               others.find(c) != std::string_view::npos;
    });
}

/// `https://host[:port]`, or `http://` to this machine if `plain_http`. A slash at the end is dropped.
std::optional<std::string> read_url(const Value& value, bool plain_http) {
    auto text = value.text(longest_text);
    if (!text) return text;
    const bool plain = text->starts_with("http://");
    if (!plain && !text->starts_with("https://")) {
        value.wrong("expected https://host or https://host:port");
        return std::nullopt;
    }
    const std::string scheme = plain ? "http://" : "https://";
    if (text->back() == '/') text->pop_back();
    const auto address =
        text->size() > scheme.size() ? parse_address(text->substr(scheme.size())) : std::nullopt;
    if (!address)
        value.wrong("expected https://host or https://host:port, without user, path or query");
    else if (plain && !is_loopback(*address))
        value.wrong("http:// would send secrets in the clear: it is for localhost, 127.x.x.x and [::1] only");
    else if (plain && !plain_http)
        value.wrong("http:// needs service.plain_http: true as well");
    else
        return scheme + format_address(*address, plain ? 80 : 443);
    return std::nullopt;
}

std::vector<std::string> read_hosts(const Value& value) {
    std::vector<std::string> hosts;
    for (const Value& item : value.list().value_or(std::vector<Value>{})) {
        const auto text = item.text(longest_text);
        const auto address = text ? parse_address(*text) : std::nullopt;
        if (address)
            hosts.push_back(format_address(*address, 443));
        else if (text)
            item.wrong("expected host or host:port, without https://");
    }
    return hosts;
}

std::string read_app(const Value& value) {
    const auto app = value.text(128);
    if (!app) return "";
    if (!is_word(*app, "-_.") || *app == "." || *app == "..")
        value.wrong("expected an app id: letters, digits, '-', '_' and '.'");
    return *app;
}

core::ServiceSettings read_service(Section section) {
    core::ServiceSettings service;
    constexpr std::array<std::string_view, 1> kinds{"app-services"};
    if (const auto kind = section.require("kind")) static_cast<void>(kind->choice(kinds));
    if (const auto plain = section.find("plain_http")) service.plain_http = plain->flag().value_or(false);
    if (const auto url = section.require("url"))
        service.url = read_url(*url, service.plain_http).value_or("");
    if (const auto app = section.require("app")) service.app = read_app(*app);
    if (const auto file = section.find("ca_file")) service.ca_file = file->file_path().value_or("");
    if (const auto hosts = section.find("allowed_hosts")) service.allowed_hosts = read_hosts(*hosts);
    if (const auto limit = section.find("connect_timeout"))
        service.connect_timeout = limit->duration(1s, 2min).value_or(service.connect_timeout);
    if (const auto limit = section.find("timeout"))
        service.request_timeout = limit->duration(1s, 10min).value_or(service.request_timeout);
    section.finish();
    return service;
}

core::FromCommand read_command(const Value& value) {
    core::FromCommand command;
    Section section = value.section();
    if (const auto run = section.require("run")) command.run = run->arguments();
    if (const auto limit = section.find("timeout"))
        command.timeout = limit->duration(1s, 5min).value_or(command.timeout);
    section.finish();
    return command;
}

/// The name of a file in systemd's credentials directory.
core::FromCredential read_credential_name(const Value& value) {
    const auto name = value.text(255);
    if (name && (name->find('/') != std::string::npos || *name == "." || *name == ".."))
        value.wrong("expected the name of a systemd credential, without a slash");
    return {name.value_or("")};
}

core::SecretSource read_secret(const Value& value) {
    if (!value.is_map()) {
        value.wrong("expected {credential: NAME}, {file: PATH} or {command: …}; never the secret itself");
        return core::FromCredential{};
    }
    Section section = value.section();
    const auto source = section.one_of({"credential", "file", "command"});
    section.finish_without_names();
    if (!source) return core::FromCredential{};
    if (source->path().ends_with(".credential")) return read_credential_name(*source);
    if (source->path().ends_with(".file")) return core::FromFile{source->file_path().value_or("")};
    return read_command(*source);
}

/// A session by key, or an anonymous one, may not manage keys: the service answers 403.
std::optional<core::OwnerProvider> read_provider(const Value& value) {
    constexpr std::array<std::string_view, 5> providers{"local-userpass", "custom-token", "custom-function",
                                                        "anon-user", "api-key"};
    constexpr std::string_view expected = "local-userpass, custom-token or custom-function";
    const auto chosen = value.choice(providers, expected);
    if (!chosen) return std::nullopt;
    if (*chosen < 3) return static_cast<core::OwnerProvider>(*chosen);
    value.wrong(fmt::format(
        "a session of this provider can't manage keys (the service answers 403): expected {}", expected));
    return std::nullopt;
}

core::OwnerSettings read_owner(Section section) {
    core::OwnerSettings owner;
    const auto provider_value = section.require("provider");
    const auto provider = provider_value ? read_provider(*provider_value) : std::nullopt;
    const auto username = section.find("username");
    if (username) owner.username = username->text(longest_text).value_or("");
    if (provider) {
        owner.provider = *provider;
        const bool by_name = *provider == core::OwnerProvider::LocalUserpass;
        if (by_name && !username) section.wrong("owner.username is missing: local-userpass needs it");
        if (!by_name && username) username->wrong("is for local-userpass only: remove it");
    }
    if (const auto secret = section.require("secret")) owner.secret = read_secret(*secret);
    section.finish();
    return owner;
}

/// As host/device_id.cpp judges what isn't in the file.
core::FromLiteral read_literal(const Value& value) {
    auto id = value.text(255).value_or("");
    const bool printable = std::ranges::all_of(id, [](char c) { return c >= ' ' && c <= '~'; });
    if (!printable || id.starts_with(' ') || id.ends_with(' '))
        value.wrong("may hold printable ASCII characters only, and no space at its ends");
    return {std::move(id)};
}

core::DeviceIdSource read_id_source(const Value& value) {
    Section section = value.section();
    const auto source = section.one_of({"literal", "file", "command"});
    section.finish();
    if (!source) return core::FromMachineId{};
    if (source->path().ends_with(".literal")) return read_literal(*source);
    if (source->path().ends_with(".file")) return core::FromFile{source->file_path().value_or("")};
    return read_command(*source);
}

core::DeviceIdSource read_device_id(const Value& value) {
    if (value.is_map()) return read_id_source(value);
    constexpr std::array<std::string_view, 2> sources{"machine-id", "hostname"};
    const auto chosen =
        value.choice(sources, "machine-id, hostname, {literal: TEXT}, {file: PATH} or {command: …}");
    if (chosen == std::size_t{1}) return core::FromHostname{};
    return core::FromMachineId{};
}

std::string read_prefix(const Value& value) {
    const auto prefix = value.text(16);
    if (prefix && !is_word(*prefix, "_"))
        value.wrong("expected letters, digits and '_' ('-' separates the parts of a key's name)");
    return prefix.value_or("");
}

/// Which of the bits is wrong, and why; empty if it may be so.
std::string_view fault_of_mode(unsigned mode) {
    if ((mode & 07000U) != 0) return "set-user-id, set-group-id and sticky have no place on a credential";
    if ((mode & 0007U) != 0) return "others must have no access: the file holds a secret";
    if ((mode & 0111U) != 0) return "it is not a program: take the execute bits away";
    if ((mode & 0020U) != 0) return "the group must not write: devkeyd alone does";
    if ((mode & 0400U) == 0) return "the owner must be able to read it: devkeyd compares it";
    return "";
}

std::optional<unsigned> read_mode(const Value& value) {
    const auto text = value.text(16);
    if (!text) return std::nullopt;
    constexpr std::string_view expected = "expected \"0600\", \"0640\", \"0440\" or \"0400\"";
    if (!value.is_quoted()) {
        value.wrong(fmt::format("{}, in quotes: a bare number may be read as decimal", expected));
        return std::nullopt;
    }
    if (text->size() != 4 || text->find_first_not_of("01234567") != std::string::npos) {
        value.wrong(expected);
        return std::nullopt;
    }
    const auto mode = static_cast<unsigned>(std::stoul(*text, nullptr, 8));
    const auto fault = fault_of_mode(mode);
    if (fault.empty()) return mode;
    value.wrong(fmt::format("{}; {}", fault, expected));
    return std::nullopt;
}

std::string read_group(const Value& value) {
    auto group = value.text_or_empty(64).value_or("");
    if (!is_word(group, "-_.")) value.wrong("expected the name of a group");
    return group;
}

core::CredentialFileSettings read_credential_file(Section section) {
    core::CredentialFileSettings file;
    if (const auto path = section.find("path")) {
        file.path = path->file_path().value_or("");
        if (file.path.size() - file.path.rfind('/') > longest_file_name)
            path->wrong(fmt::format("the file's name is too long: at most {} bytes", longest_file_name - 1));
    }
    constexpr std::array<std::string_view, 3> formats{"json", "env", "raw"};
    if (const auto format = section.find("format"))
        file.format = static_cast<core::CredentialFormat>(format->choice(formats).value_or(0));
    if (const auto mode = section.find("mode")) file.mode = read_mode(*mode).value_or(file.mode);
    if (const auto group = section.find("group")) file.group = read_group(*group);
    section.finish();
    return file;
}

std::string read_socket_path(const Value& value) {
    auto path = value.file_path().value_or("");
    if (path.size() > longest_socket_path)
        value.wrong(fmt::format("is too long for a socket: at most {} bytes", longest_socket_path));
    return path;
}

core::ControlSettings read_control(Section section) {
    core::ControlSettings control;
    if (const auto socket = section.find("socket")) control.socket = read_socket_path(*socket);
    if (const auto group = section.find("read_group")) control.read_group = read_group(*group);
    if (const auto group = section.find("change_group")) control.change_group = read_group(*group);
    section.finish();
    return control;
}

std::vector<std::string> read_units(const Value& value) {
    std::vector<std::string> units;
    for (const Value& item : value.list().value_or(std::vector<Value>{})) {
        auto name = item.text(longest_text);
        if (!name) continue;
        if (!core::is_unit_name(*name))
            item.wrong("expected a unit's name, my-program.service, or a template's, my-program@.service");
        units.push_back(*std::move(name));
    }
    return units;
}

core::CredentialSocketSettings read_credential_socket(Section section) {
    core::CredentialSocketSettings socket;
    if (const auto path = section.find("path")) socket.path = read_socket_path(*path);
    if (const auto units = section.find("units")) socket.units = read_units(*units);
    section.finish();
    return socket;
}

std::string read_textfile(const Value& value) {
    const auto text = value.text_or_empty(longest_argument);
    if (!text || text->empty()) return {};
    auto path = value.file_path().value_or("");
    const auto name = path.substr(path.rfind('/') + 1);
    if (name.size() > longest_file_name)
        value.wrong(fmt::format("the file's name is too long: at most {} bytes", longest_file_name - 1));
    else if (!path.empty() && (!name.ends_with(".prom") || name == ".prom"))
        value.wrong("expected a file whose name ends in .prom: node_exporter reads no other");
    return path;
}

core::MetricsSettings read_metrics(Section section) {
    core::MetricsSettings metrics;
    if (const auto textfile = section.find("textfile")) metrics.textfile = read_textfile(*textfile);
    section.finish();
    return metrics;
}

struct File {
    std::string name;  // its key in the settings, or what it is
    std::string path;
};

/// What is read, and what devkeyd keeps for itself.
std::vector<File> files_in_use(const core::Settings& settings, const std::string& file,
                               const std::string& policy) {
    const auto absolute = std::filesystem::absolute(file).lexically_normal();
    std::vector<File> files{{"this file", absolute.string()},
                            {"service.ca_file", settings.service.ca_file},
                            {"state_directory", settings.state_directory}};
    if (!policy.empty())
        files.push_back({"policy", (absolute.parent_path() / policy).lexically_normal().string()});
    for (const auto* name : {"state.json", "requests.json", "lock", "history.jsonl", "history.jsonl.1",
                             ".state.json.devkeyd-new", ".requests.json.devkeyd-new"})
        files.push_back({std::string("state_directory/") + name, settings.state_directory + "/" + name});
    if (const auto* secret = std::get_if<core::FromFile>(&settings.owner.secret))
        files.push_back({"owner.secret.file", secret->path});
    if (const auto* id = std::get_if<core::FromFile>(&settings.device_id))
        files.push_back({"device.id.file", id->path});
    return files;
}

/// What devkeyd makes for others would take the place of another file, or of another of these.
void check_paths(const Node& root, const core::Settings& settings, std::vector<File> files,
                 Problems& problems) {
    for (File made : {File{"credential_file.path", settings.credential_file.path},
                      File{"metrics.textfile", settings.metrics.textfile},
                      File{"control.socket", settings.control.socket},
                      File{"credential_socket.path", settings.credential_socket.path}}) {
        if (made.path.empty()) continue;  // there is none, or that was said already
        const auto other = std::ranges::find(files, made.path, &File::path);
        if (other != files.end())
            problems.add(place_of(root, made.name).value_or(place_of(root, other->name).value_or(root.place)),
                         fmt::format("{}: is {}, too: choose another", made.name, other->name));
        files.push_back(std::move(made));
    }
}

core::DeviceIdSource read_device(Section section) {
    const auto id = section.find("id");
    section.finish();
    return id ? read_device_id(*id) : core::FromMachineId{};
}

std::string read_key_prefix(Section section, std::string prefix) {
    const auto value = section.find("prefix");
    section.finish();
    return value ? read_prefix(*value) : prefix;
}

}  // namespace

DevkeydYaml read_devkeyd_yaml(const Node& root, const std::string& file, Problems& problems) {
    DevkeydYaml read;
    core::Settings& settings = read.settings;
    Section top = top_section(root, problems, devkeyd_schema);
    top.require_version();
    settings.service = read_service(top.require_section("service"));
    settings.owner = read_owner(top.require_section("owner"));
    settings.device_id = read_device(top.find_section("device"));
    settings.key_prefix = read_key_prefix(top.find_section("key"), settings.key_prefix);
    settings.credential_file = read_credential_file(top.find_section("credential_file"));
    if (const auto directory = top.find("state_directory"))
        settings.state_directory = directory->file_path().value_or("");
    settings.control = read_control(top.find_section("control"));
    settings.credential_socket = read_credential_socket(top.find_section("credential_socket"));
    if (const auto policy = top.find("policy")) {
        read.policy = policy->text(longest_argument).value_or("");
        read.policy_place = policy->place();
    }
    settings.metrics = read_metrics(top.find_section("metrics"));
    check_paths(root, settings, files_in_use(settings, file, read.policy), problems);
    top.finish();
    return read;
}

}  // namespace devkey::settings
