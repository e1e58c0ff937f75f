// devkeyctl: asks the devkeyd that runs on this machine.
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <string_view>
#include <thread>

#include "core/settings.hpp"
#include "devkeyctl/ask.hpp"
#include "devkeyctl/check.hpp"
#include "devkeyctl/exit_codes.hpp"
#include "devkeyctl/from_disk.hpp"
#include "devkeyctl/render.hpp"
#include "devkeyctl/revoke.hpp"
#include "devkeyctl/verbs.hpp"

namespace devkey::ctl {
namespace {

using control::Verb;

struct Flags {
    std::string socket = core::ControlSettings{}.socket;
    bool json = false;
    Rotation rotation;
    Revocation revocation;
    std::string timeout;
    std::uint32_t most = 20;
    std::uint32_t generation = 0;
    std::string span;
    std::string config = "/etc/devkeyd/devkeyd.yaml";
    std::string at = "+30d";
    control::Question question;
};

void line(std::FILE* to, const std::string& text) {
    fmt::print(to, "{}\n", text);
    std::fflush(to);
}

// As no-color.org has it: set and not empty.
bool likes_color() {
    const char* no = ::getenv("NO_COLOR");
    return (no == nullptr || *no == '\0') && ::isatty(STDOUT_FILENO) == 1;
}

Terminal terminal_of(const Flags& flags) {
    return {.ask = [&](const control::Question& question) { return ask(flags.socket, question); },
            .out = [](const std::string& text) { line(stdout, text); },
            .note = [](const std::string& text) { line(stderr, text); },
            .now =
                [] {
                    using std::chrono::steady_clock;
                    return core::BootInstant{
                        std::chrono::duration_cast<core::Millis>(steady_clock::now().time_since_epoch())};
                },
            .sleep = [](core::Millis span) { std::this_thread::sleep_for(span); },
            .json = flags.json,
            .color = likes_color(),
            .from_disk =
                [&](const control::Question& question) { return answer_from_disk(flags.config, question); }};
}

/// Only what the parser of the command line has let through.
core::Millis patience_of(const Flags& flags, core::Millis otherwise) {
    return flags.timeout.empty() ? otherwise : core::parse_duration(flags.timeout).value_or(otherwise);
}

std::string fault_of_duration(const std::string& text) {
    return core::parse_duration(text) ? "" : "expected a duration: 30s, 5m";
}

/// `+30d` or `30d`; none: it is neither, or too far.
std::optional<core::Millis> span_of(std::string_view at) {
    if (at.starts_with('+')) at.remove_prefix(1);
    const auto span = core::parse_duration(at);
    const bool fits = span && *span <= std::chrono::seconds{control::longest_plan_s};
    return fits ? std::optional(*span) : std::nullopt;
}

std::string fault_of_span(const std::string& text) {
    return span_of(text) ? "" : "expected a time from now, 400 days at most: +30d, +12h";
}

void add_config(CLI::App& verb, Flags& flags) {
    verb.add_option("--config", flags.config, "devkeyd's settings: to look by itself where no devkeyd runs")
        ->capture_default_str();
}

std::string fault_of_reason(const std::string& text) {
    if (text.size() > core::longest_why) return fmt::format("at most {} bytes", core::longest_why);
    return text.find_first_of("\n\r\t") == std::string::npos ? "" : "one line of text";
}

void add_waiting(CLI::App& verb, Flags& flags, const char* otherwise) {
    verb.add_option("--timeout", flags.timeout, fmt::format("how long to wait at most ({})", otherwise))
        ->check(fault_of_duration);
}

void add_reason(CLI::App& verb, std::string& reason) {
    verb.add_option("--reason", reason, "why, for the log")->check(fault_of_reason);
}

void add_plain(CLI::App& app, Flags& flags, Verb verb, const char* help) {
    auto* command = app.add_subcommand(std::string(control::name_of(verb)), help);
    command->callback([&flags, verb] { flags.question.verb = verb; });
    if (verb != Verb::Reload) add_reason(*command, flags.question.why);
}

/// A verb about the key that is in use.
void add_about_key(CLI::App& app, Flags& flags, Verb verb, const char* help) {
    auto* command = app.add_subcommand(std::string(control::name_of(verb)), help);
    command->callback([&flags, verb] { flags.question.verb = verb; });
    command->add_flag("--wait", flags.rotation.wait, "wait until it is done");
    command->add_option("--generation", flags.generation, "which key is meant (the one that is in use)")
        ->check(CLI::PositiveNumber);
    add_reason(*command, flags.question.why);
    add_waiting(*command, flags, "5m");
}

std::string fault_of_pause(const std::string& text) {
    const auto span = core::parse_duration(text);
    const bool good = span && *span >= std::chrono::seconds{1} && *span <= core::longest_pause;
    return good ? "" : "expected a duration from 1s to " + core::format_duration(core::longest_pause);
}

void add_pause(CLI::App& app, Flags& flags) {
    auto* pause = app.add_subcommand("pause", "do nothing by the schedule, until resume or for a while");
    pause->callback([&flags] {
        flags.question.verb = Verb::Pause;
        const auto span = core::parse_duration(flags.span).value_or(core::Millis{});
        flags.question.for_s = static_cast<std::uint32_t>(span / std::chrono::seconds{1});
    });
    pause->add_option("--for", flags.span, "how long")->check(fault_of_pause);
    add_reason(*pause, flags.question.why);
}

Rotation rotation_of(const Flags& flags) {
    auto rotation = flags.rotation;
    rotation.patience = patience_of(flags, std::chrono::minutes{5});
    return rotation;
}

void add_revoke(CLI::App& app, Revocation& revocation) {
    auto* revoke = app.add_subcommand(
        "revoke", "as the owner, delete the keys of a device that is lost: asks the service, not a devkeyd");
    revoke->add_option("DEVICE", revocation.device, "the device's id")->required();
    revoke->add_option("--config", revocation.settings, "settings that name the service and the owner")
        ->required();
    revoke->add_flag("--disable", revocation.disable, "disable them, and don't delete");
}

void add_reading_verbs(CLI::App& app, Flags& flags) {
    add_config(*app.add_subcommand("status", "how the device fares, and why"), flags);
    auto* plan = app.add_subcommand("plan", "what would be done, and why; nothing is changed");
    plan->add_option("--at", flags.at, "how far to look ahead")->check(fault_of_span)->capture_default_str();
    add_config(*plan, flags);
    add_config(*app.add_subcommand("check", "look for what is wrong, and how to mend it; best as root"),
               flags);
    app.add_subcommand("metrics", "the status as Prometheus reads it");
    app.add_subcommand("history", "who asked for what, what was changed, and why")
        ->add_option("-n,--number", flags.most, "so many of the latest")
        ->check(CLI::Range(std::uint32_t{1}, control::most_entries))
        ->capture_default_str();
}

void add_verbs(CLI::App& app, Flags& flags) {
    add_reading_verbs(app, flags);
    auto* rotate = app.add_subcommand("rotate", "replace the device's key");
    rotate->add_flag("--compromised", flags.rotation.compromised,
                     "the key is in the wrong hands: the old one is disabled at once");
    rotate->add_flag("--wait", flags.rotation.wait, "wait until it is done");
    add_reason(*rotate, flags.rotation.why);
    add_waiting(*rotate, flags, "5m");
    add_about_key(app, flags, Verb::Rollback, "take the key before it back into use");
    add_about_key(app, flags, Verb::Disable, "disable the key, until a person has it enabled");
    add_about_key(app, flags, Verb::Enable, "enable the key again");
    add_about_key(app, flags, Verb::Acknowledge, "the device's programs use the key: its predecessor may go");
    add_pause(app, flags);
    add_plain(app, flags, Verb::Resume, "go on with the schedule");
    add_waiting(*app.add_subcommand("list", "this device's keys on the service, and how full the quota is"),
                flags, "15s");
    add_plain(app, flags, Verb::Reload, "read the settings again, and end a wait");
    add_plain(app, flags, Verb::Decommission, "take the device out of service");
    add_plain(app, flags, Verb::Recommission, "take it into service again");
    add_plain(app, flags, Verb::TakeOver, "delete the keys of other installations of this device");
    add_waiting(*app.add_subcommand("wait-ready", "wait until the device has a key that works"), flags,
                "90s");
    add_revoke(app, flags.revocation);
    app.add_subcommand("version", "of devkeyctl, and of the devkeyd that runs");
}

int run(const CLI::App& app, const Flags& flags) {
    using namespace std::chrono_literals;
    const auto terminal = terminal_of(flags);
    if (app.got_subcommand("status")) return status(terminal);
    if (app.got_subcommand("plan")) return plan(terminal, span_of(flags.at).value_or(core::Millis{}));
    if (app.got_subcommand("check")) return check(terminal, flags.config);
    if (app.got_subcommand("metrics")) return metrics(terminal);
    if (app.got_subcommand("history")) return history(terminal, flags.most);
    if (app.got_subcommand("wait-ready")) return wait_ready(terminal, patience_of(flags, 90s));
    if (app.got_subcommand("list")) return list(terminal, patience_of(flags, 15s));
    if (app.got_subcommand("revoke")) return revoke(terminal, flags.revocation);
    if (app.got_subcommand("version")) return tell_versions(terminal);
    if (app.got_subcommand("rotate")) return rotate(terminal, rotation_of(flags));
    if (!core::names_a_generation(control::request_of(flags.question.verb)))
        return just_ask(terminal, flags.question);
    auto question = flags.question;
    question.generation = flags.generation;
    return ask_about_key(terminal, question,
                         {.wait = flags.rotation.wait, .patience = patience_of(flags, 5min)});
}

/// Of a command line that can't be parsed.
bool asks_for_json(int argc, char** argv) {
    return std::any_of(argv, argv + argc, [](std::string_view word) { return word == "--json"; });
}

int parse_and_run(int argc, char** argv) {
    Flags flags;
    CLI::App app{"Asks the devkeyd that runs on this machine.", "devkeyctl"};
    app.require_subcommand(0, 1);  // none is told below: what isn't one would be called none as well
    app.fallthrough();
    app.add_option("--socket", flags.socket, "where it listens: control.socket of its settings")
        ->capture_default_str();
    app.add_flag("--json", flags.json, "tell it as one JSON object in a line");
    app.set_version_flag("--version", "devkeyctl " DEVKEY_VERSION);
    add_verbs(app, flags);
    app.footer(
        "Ends with 0 done, 10 nothing to do, 64 usage, 69 no devkeyd runs, 70 can't be done, 74 not written "
        "down, 75 later,\n"
        "76 not understood, 77 not allowed, 78 bad settings; status: 0 healthy, 1 degraded, 2 failing;\n"
        "check: 1 something failed.");
    try {
        app.parse(argc, argv);
        if (app.get_subcommands().empty()) throw CLI::RequiredError("A verb");
    } catch (const CLI::ParseError& error) {
        const bool wrong = error.get_exit_code() != 0;
        if (wrong && asks_for_json(argc, argv))
            line(stdout, json_of("failed", {{"error", "usage"}, {"detail", error.what()}}));
        else
            static_cast<void>(app.exit(error));
        return wrong ? exit_usage : exit_done;
    }
    return run(app, flags);
}

}  // namespace
}  // namespace devkey::ctl

int main(int argc, char** argv) {
    try {
        return devkey::ctl::parse_and_run(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "devkeyctl: {}\n", error.what());
        return devkey::ctl::exit_protocol;
    }
}
