#include "settings/policy_yaml.hpp"

#include <utility>

#include "settings/section.hpp"

namespace devkey::settings {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

constexpr core::Millis longest_age = days{3650};
// Shorter ones are for tests: a real service would throttle them.
constexpr core::Millis shortest_age = 5s;
// A greater jitter would make "every 30 days" mean nothing.
constexpr unsigned most_jitter = 50;

/// Sets `target` to what stands at `key`, if it is there and right.
template <class T, class Read>
void take(Section& section, std::string_view key, T& target, Read read) {
    const auto value = section.find(key);
    if (!value) return;
    if (auto answer = read(*value)) target = *std::move(answer);
}

auto duration(core::Millis shortest, core::Millis longest) {
    return [=](const Value& value) { return value.duration(shortest, longest); };
}

auto duration_or_never(core::Millis shortest, core::Millis longest) {
    return [=](const Value& value) { return value.duration_or_never(shortest, longest); };
}

auto percent() {
    return [](const Value& value) { return value.percent(most_jitter); };
}

auto flag() {
    return [](const Value& value) { return value.flag(); };
}

/// The enumerators of `Word` in their order, by these words.
template <class Word, std::size_t Count>
auto word(const std::array<std::string_view, Count>& words) {
    return [words](const Value& value) -> std::optional<Word> {
        const auto chosen = value.choice(words);
        return chosen ? std::optional(static_cast<Word>(*chosen)) : std::nullopt;
    };
}

template <std::size_t Count>
constexpr std::array<std::string_view, Count> words(const char* const (&list)[Count]) {
    std::array<std::string_view, Count> made;
    for (std::size_t i = 0; i < Count; ++i) made[i] = list[i];
    return made;
}

std::optional<std::vector<core::Window>> windows(const Value& value) {
    const auto list = value.list();
    if (!list) return std::nullopt;
    std::vector<core::Window> read;
    for (const Value& item : *list) {
        const auto text = item.text(100);
        if (!text) continue;
        if (const auto window = core::parse_window(*text))
            read.push_back(*window);
        else
            item.wrong(
                "expected a window like \"Mon..Fri 02:00-05:00\", \"Sat,Sun 22:00-02:00\" or "
                "\"04:00-05:00\"");
    }
    return read;
}

void read_rotate(Section section, core::RotatePolicy& rotate) {
    take(section, "after", rotate.after, duration_or_never(shortest_age, longest_age));
    take(section, "jitter", rotate.jitter_percent, percent());
    take(section, "windows", rotate.windows, windows);
    take(section, "time_zone", rotate.local_time, word<bool>(words({"utc", "local"})));
    section.finish();
}

void read_superseded(Section section, core::SupersededPolicy& superseded) {
    take(section, "keep_enabled", superseded.keep_enabled, duration(0s, longest_age));
    take(section, "then", superseded.then, word<core::SupersededPolicy::Then>(words({"disable", "delete"})));
    take(section, "delete_after", superseded.delete_after, duration(0s, longest_age));
    section.finish();
}

void read_other_installations(Section section, core::OtherInstallationsPolicy& others) {
    take(section, "action", others.action,
         word<core::OtherInstallationsPolicy::Action>(words({"report", "disable", "delete"})));
    take(section, "after", others.after, duration(0s, longest_age));
    section.finish();
}

void read_outside_changes(Section section, core::OutsideChangesPolicy& outside) {
    take(section, "disabled", outside.disabled,
         word<core::OutsideChangesPolicy::Disabled>(words({"hold", "enable", "replace"})));
    take(section, "deleted", outside.deleted,
         word<core::OutsideChangesPolicy::Deleted>(words({"hold", "replace"})));
    section.finish();
}

/// A check's own section: `{every: 6h}`.
void read_check(Section section, std::optional<core::Millis>& every) {
    take(section, "every", every, duration_or_never(1s, days{365}));
    section.finish();
}

std::optional<core::HeartbeatPolicy> heartbeat(const Value& value) {
    using Heartbeat = core::HeartbeatPolicy;
    Section section = value.section();
    Heartbeat read;
    if (const auto file = section.require("file")) read.file = file->file_path().value_or("");
    take(section, "stale_after", read.stale_after, duration(shortest_age, longest_age));
    take(section, "then", read.then, word<Heartbeat::Then>(words({"disable", "rotate", "alert"})));
    take(section, "on_return", read.on_return, word<Heartbeat::OnReturn>(words({"enable", "hold"})));
    section.finish();
    return read;
}

void read_watchdog(Section section, core::WatchdogPolicy& watchdog) {
    take(section, "jitter", watchdog.jitter_percent, percent());
    take(section, "credential_file", watchdog.credential_file, flag());
    read_check(section.find_section("key_login"), watchdog.key_login);
    read_check(section.find_section("key_listed"), watchdog.key_listed);
    take(section, "heartbeat", watchdog.heartbeat, heartbeat);
    section.finish();
}

std::optional<core::Hook> read_hook(const Value& value, bool may_be_required) {
    core::Hook hook;
    Section section = value.section();
    if (const auto run = section.require("run")) hook.run = run->arguments();
    take(section, "timeout", hook.timeout, duration(1s, 5min));
    if (may_be_required) take(section, "required", hook.required, flag());
    section.finish();
    return hook;
}

void read_hooks(Section section, core::HooksPolicy& hooks) {
    const auto hook = [](const Value& value) { return read_hook(value, true); };
    take(section, "after_publish", hooks.after_publish, hook);
    take(section, "before_disable", hooks.before_disable, hook);
    take(section, "on_failure", hooks.on_failure, [](const Value& value) { return read_hook(value, false); });
    section.finish();
}

}  // namespace

core::Policy read_policy_yaml(const Node& root, const core::Capabilities& service, Problems& problems) {
    core::Policy policy;
    Section top = top_section(root, problems, policy_schema);
    top.require_version();
    read_rotate(top.find_section("rotate"), policy.rotate);
    Section verify = top.find_section("verify");
    take(verify, "patience", policy.verify_patience, duration(1s, 10min));
    verify.finish();
    read_superseded(top.find_section("superseded"), policy.superseded);
    read_other_installations(top.find_section("other_installations"), policy.other_installations);
    read_outside_changes(top.find_section("outside_changes"), policy.outside_changes);
    take(top, "decommission", policy.decommission,
         word<core::Policy::Decommission>(words({"delete", "disable"})));
    read_watchdog(top.find_section("watchdog"), policy.watchdog);
    read_hooks(top.find_section("hooks"), policy.hooks);
    top.finish();
    // Whether the settings fit together can only be said of settings that are right by themselves.
    if (problems.empty())
        for (auto& [setting, message] : core::problems_of(policy, service)) {
            const auto section = setting.substr(0, setting.find('.'));
            const auto place = place_of(root, setting).value_or(place_of(root, section).value_or(root.place));
            problems.add(place, std::string(setting) + ": " + message);
        }
    return policy;
}

}  // namespace devkey::settings
