// Every key that the two files may hold: the parser accepts no other, and config/README.md documents each.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace devkey::settings {

/// The keys of one file, as paths: `service.url`.
struct Schema {
    std::span<const std::string_view> keys;
};

inline constexpr std::array<std::string_view, 44> devkeyd_keys{
    "version",
    "service",
    "service.kind",
    "service.url",
    "service.app",
    "service.ca_file",
    "service.allowed_hosts",
    "service.plain_http",
    "service.connect_timeout",
    "service.timeout",
    "owner",
    "owner.provider",
    "owner.username",
    "owner.secret",
    "owner.secret.credential",
    "owner.secret.file",
    "owner.secret.command",
    "owner.secret.command.run",
    "owner.secret.command.timeout",
    "device",
    "device.id",
    "device.id.literal",
    "device.id.file",
    "device.id.command",
    "device.id.command.run",
    "device.id.command.timeout",
    "key",
    "key.prefix",
    "credential_file",
    "credential_file.path",
    "credential_file.format",
    "credential_file.mode",
    "credential_file.group",
    "state_directory",
    "control",
    "control.socket",
    "control.read_group",
    "control.change_group",
    "credential_socket",
    "credential_socket.path",
    "credential_socket.units",
    "metrics",
    "metrics.textfile",
    "policy",
};
inline constexpr std::array<std::string_view, 43> policy_keys{
    "version",
    "rotate",
    "rotate.after",
    "rotate.jitter",
    "rotate.windows",
    "rotate.time_zone",
    "verify",
    "verify.patience",
    "superseded",
    "superseded.keep_enabled",
    "superseded.then",
    "superseded.delete_after",
    "other_installations",
    "other_installations.action",
    "other_installations.after",
    "outside_changes",
    "outside_changes.disabled",
    "outside_changes.deleted",
    "decommission",
    "watchdog",
    "watchdog.jitter",
    "watchdog.credential_file",
    "watchdog.key_login",
    "watchdog.key_login.every",
    "watchdog.key_listed",
    "watchdog.key_listed.every",
    "watchdog.heartbeat",
    "watchdog.heartbeat.file",
    "watchdog.heartbeat.stale_after",
    "watchdog.heartbeat.then",
    "watchdog.heartbeat.on_return",
    "hooks",
    "hooks.after_publish",
    "hooks.after_publish.run",
    "hooks.after_publish.timeout",
    "hooks.after_publish.required",
    "hooks.before_disable",
    "hooks.before_disable.run",
    "hooks.before_disable.timeout",
    "hooks.before_disable.required",
    "hooks.on_failure",
    "hooks.on_failure.run",
    "hooks.on_failure.timeout",
};
inline constexpr Schema devkeyd_schema{devkeyd_keys};
inline constexpr Schema policy_schema{policy_keys};

/// The key of the map at `path` (empty: the whole file) that `word` was probably meant to be; empty if none
/// is near.
[[nodiscard]] std::string_view nearest_key(const Schema& schema, std::string_view path,
                                           std::string_view word);

/// `path.key`, or `key` at the top.
[[nodiscard]] std::string join(std::string_view path, std::string_view key);

}  // namespace devkey::settings
