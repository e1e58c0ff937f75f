#include "fleet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>

#include "services/app_services.hpp"
#include "settings/load.hpp"

namespace devkey::simulate {

using core::Millis;
using namespace std::chrono_literals;

namespace {

// After sysexits.h, as devkeyd's own (agent/outcome.hpp).
constexpr int exit_usage = 64;
constexpr int exit_settings = 78;

/// A duration as in policies, or years of 365 days: `1y`.
core::Result<Millis> parse_span(std::string text) {
    const bool years = text.ends_with('y');
    if (years) text.back() = 'd';
    auto span = core::parse_duration(text);
    if (span && years) *span *= 365;
    return span;
}

/// The flag's value as a duration.
CLI::Option* add_span(CLI::App& app, const std::string& name, std::function<void(Millis)> take,
                      const std::string& about) {
    return app.add_option_function<std::string>(
        name,
        [name, take = std::move(take)](const std::string& text) {
            const auto span = parse_span(text);
            if (!span) throw CLI::ValidationError(name, span.error().message);
            take(*span);
        },
        about);
}

std::int64_t seconds(Millis span) {
    return std::chrono::round<std::chrono::seconds>(span).count();
}

/// Whole minutes are enough for people.
std::string shown(Millis span) {
    return core::format_duration(span < 1h ? span : Millis{std::chrono::round<std::chrono::minutes>(span)});
}

std::string shown(const std::optional<Millis>& span) {
    return span ? shown(*span) : "none";
}

std::string steady_text(const sim::SteadyState& steady) {
    if (steady.hours == 0)
        return fmt::format("none: the fleet lives too short, it begins at {}", shown(steady.from));
    return fmt::format("mean {:.1f}, peak {}, peak/mean {:.2f} ({} hours from {} on)", steady.mean(),
                       steady.peak, steady.peak_to_mean(), steady.hours, shown(steady.from));
}

std::string restart_text(const sim::Fleet& fleet, const std::optional<sim::Restart>& restart) {
    if (!restart) return "none, or no hour after it";
    return fmt::format(
        "busiest minute {}, mean minute of that hour {:.1f}, busiest/mean {:.2f} (off for {} at {})",
        restart->busiest_minute, restart->mean_minute(), restart->peak_to_mean(),
        shown(fleet.power_cut->lasts), shown(fleet.power_cut->at));
}

std::string optional_seconds(const std::optional<Millis>& span) {
    return span ? std::to_string(seconds(*span)) : "null";
}

std::string restart_json(const sim::Fleet& fleet, const std::optional<sim::Restart>& restart) {
    if (!restart) return "null";
    return fmt::format(
        R"({{"at_s":{},"lasts_s":{},"busiest_minute":{},"mean_minute":{:.3f},"peak_to_mean":{:.3f}}})",
        seconds(fleet.power_cut->at), seconds(fleet.power_cut->lasts), restart->busiest_minute,
        restart->mean_minute(), restart->peak_to_mean());
}

std::string steady_json(const sim::SteadyState& steady) {
    if (steady.hours == 0) return "null";
    return fmt::format(R"({{"from_s":{},"hours":{},"mean":{:.3f},"peak":{},"peak_to_mean":{:.3f}}})",
                       seconds(steady.from), steady.hours, steady.mean(), steady.peak, steady.peak_to_mean());
}

}  // namespace

void add_fleet_flags(CLI::App& app, FleetFlags& flags) {
    auto* policy = app.add_option("--policy", flags.policy,
                                  "show what this policy file does to a fleet (in which no program falls "
                                  "silent: watchdog.heartbeat has no part in it)");
    app.add_option("--devices", flags.devices, "how many devices (10000)")
        ->needs(policy)
        ->check(CLI::Range(1, 10'000'000));
    app.add_option("--per-owner", flags.per_owner, "devices of one owner (10)")
        ->needs(policy)
        ->check(CLI::Range(1, 1000));
    add_span(
        app, "--for", [&](Millis span) { flags.lasts = span; }, "how long the fleet lives (1y)")
        ->needs(policy);
    add_span(
        app, "--start-within", [&](Millis span) { flags.start_within = span; },
        "devices start, spread over this span (1h)")
        ->needs(policy);
    add_span(
        app, "--power-cut", [&](Millis span) { flags.power_cut = span; },
        "when all lose power (half of --for); all start again in the same second")
        ->needs(policy);
    add_span(
        app, "--power-cut-lasts", [&](Millis span) { flags.power_cut_lasts = span; },
        "how long they are without it (1h)")
        ->needs(policy);
    app.add_flag("--json", flags.json, "tell it as one JSON object")->needs(policy);
}

core::Result<sim::Fleet> fleet_of(const FleetFlags& flags, const core::Policy& policy) {
    const auto bad = [](const char* why) { return core::fail(core::ErrorKind::InvalidInput, why); };
    sim::Fleet fleet{.policy = policy,
                     .service = services::app_services_capabilities(),
                     .devices = flags.devices,
                     .per_owner = flags.per_owner,
                     .lasts = flags.lasts,
                     .start_within = flags.start_within,
                     .power_cut = std::nullopt};
    constexpr Millis longest = std::chrono::days{3650};
    if (flags.lasts < 1h || flags.lasts > longest) return bad("--for: expected 1h to 10y");
    if (flags.start_within > flags.lasts) return bad("--start-within: is longer than --for");
    const sim::PowerCut cut{.at = flags.power_cut.value_or(flags.lasts / 2), .lasts = flags.power_cut_lasts};
    const bool fits = cut.at >= flags.start_within && cut.at + cut.lasts + 1h <= flags.lasts;
    if (flags.power_cut && !fits)
        return bad(
            "--power-cut: must come after --start-within, and its end an hour before the end of --for");
    if (fits) fleet.power_cut = cut;
    return fleet;
}

std::string as_text(const sim::Fleet& fleet, const sim::FleetReport& report) {
    std::string text = fmt::format("{} devices, {} of each owner, for {}\n", fleet.devices, fleet.per_owner,
                                   shown(fleet.lasts));
    const auto line = [&](std::string_view what, const std::string& says) {
        fmt::format_to(std::back_inserter(text), "{:<24}{}\n", what, says);
    };
    line("requests", std::to_string(report.requests()));
    line("requests per hour", steady_text(sim::steady_state(fleet, report)));
    line("after the power cut", restart_text(fleet, sim::restart_of(fleet, report)));
    line("rotations", fmt::format("{}, shortest period {}, longest {}", report.rotations,
                                  shown(report.shortest_period), shown(report.longest_period)));
    line("keys", fmt::format("{} made, at most {} of one owner at once, greatest age in use {}",
                             report.keys_made, report.most_keys, shown(report.greatest_age)));
    line("longest wait for a key",
         fmt::format("{}; {} devices wait in the end", shown(report.longest_wait), report.waiting_devices));
    if (fleet.policy.watchdog.heartbeat)
        line("watchdog.heartbeat", "has no part in this: no program falls silent");
    for (const auto& [reason, devices] : report.in_the_end)
        line("in the end", fmt::format("{} devices: {}", devices, core::name_of(reason)));
    return text;
}

std::string as_json(const sim::Fleet& fleet, const sim::FleetReport& report) {
    std::string ends;
    for (const auto& [reason, devices] : report.in_the_end)
        ends += fmt::format(R"({}"{}":{})", ends.empty() ? "" : ",", core::name_of(reason), devices);
    return fmt::format(
        R"({{"version":1,"devices":{},"per_owner":{},"lasts_s":{},"requests":{},"requests_per_hour":{},)"
        R"("power_cut":{},"rotations":{},"shortest_period_s":{},"longest_period_s":{},"keys_made":{},)"
        R"("most_keys_per_owner":{},"greatest_age_s":{},"longest_wait_s":{},"waiting_devices":{},)"
        R"("in_the_end":{{{}}}}})",
        fleet.devices, fleet.per_owner, seconds(fleet.lasts), report.requests(),
        steady_json(sim::steady_state(fleet, report)), restart_json(fleet, sim::restart_of(fleet, report)),
        report.rotations, optional_seconds(report.shortest_period), optional_seconds(report.longest_period),
        report.keys_made, report.most_keys, seconds(report.greatest_age), seconds(report.longest_wait),
        report.waiting_devices, ends);
}

int run_fleet(const FleetFlags& flags, unsigned jobs) {
    const auto policy = settings::load_policy(flags.policy, services::app_services_capabilities());
    if (!policy) {
        for (const auto& problem : policy.error()) fmt::print(stderr, "{}\n", settings::format(problem));
        return exit_settings;
    }
    const auto fleet = fleet_of(flags, *policy);
    if (!fleet) {
        fmt::print(stderr, "{}\n", fleet.error().message);
        return exit_usage;
    }
    const auto report = sim::live_through(*fleet, jobs);
    fmt::print("{}", flags.json ? as_json(*fleet, report) + "\n" : as_text(*fleet, report));
    return 0;
}

}  // namespace devkey::simulate
