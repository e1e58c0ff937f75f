// devkeyd: flags, settings, lock, and the run.
#include <fmt/format.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include "ask_daemon.hpp"
#include "daemon.hpp"
#include "flags.hpp"
#include "host/hardening.hpp"
#include "host/journal_reporter.hpp"
#include "host/log_reporter.hpp"
#include "host/signals.hpp"
#include "host/system_clock.hpp"
#include "host/system_entropy.hpp"
#include "host/wake.hpp"
#include "outcome.hpp"
#include "recorder.hpp"
#include "services/app_services.hpp"
#include "settings/load.hpp"
#include "storage/atomic_file.hpp"
#include "storage/requests_file.hpp"
#include "storage/state_lock.hpp"
#include "wiring.hpp"

namespace devkey {
namespace {

std::string environment(const char* name) {
    const char* value = ::getenv(name);
    return value == nullptr ? "" : value;
}

// The last line of a run that was asked for one.
void tell(const Flags& flags, const Outcome& outcome) {
    if (!flags.once) return;
    fmt::print("{}\n", flags.json ? as_json(outcome) : as_text(outcome));
    std::fflush(stdout);
}

int refuse(const Flags& flags, ports::Reporter& reporter, const core::Error& error) {
    const Outcome outcome{.exit_code = exit_code_of(error.kind),
                          .reason = std::string(core::name_of(error.kind)),
                          .detail = error.message};
    reporter.report({ports::Severity::Error, core::name_of(error.kind), error.message});
    tell(flags, outcome);
    return outcome.exit_code;
}

int check(const Flags& flags) {
    const auto settings = settings::load(flags.config, services::app_services_capabilities());
    auto problems = settings ? std::vector<settings::Problem>{} : settings.error();
    if (settings)
        for (auto& error : unusable_here(*settings, environment("CREDENTIALS_DIRECTORY")))
            problems.push_back({.file = flags.config, .message = std::move(error.message)});
    for (const auto& problem : problems) fmt::print(stderr, "{}\n", settings::format(problem));
    if (!problems.empty()) return exit_settings;
    fmt::print("{}: ok\n", flags.config);
    return 0;
}

SettingsPointer load(const Flags& flags, ports::Reporter& reporter) {
    auto settings = settings::load(flags.config, services::app_services_capabilities());
    if (settings) return std::make_shared<const core::Settings>(*std::move(settings));
    for (const auto& problem : settings.error())
        reporter.report({ports::Severity::Error, "bad-settings", settings::format(problem)});
    return nullptr;
}

Daemon::End serve(const Flags& flags, SettingsPointer settings, ports::Reporter& reporter,
                  storage::FileCalls& files, const storage::HistoryFile& history) {
    host::Signals signals;  // before the first thread: it blocks them
    host::Wake stop;
    host::SystemClock clock;
    host::SystemEntropy entropy;
    services::Interrupter interrupter;
    const Shared shared{.clock = clock,
                        .entropy = entropy,
                        .reporter = reporter,
                        .interrupter = interrupter,
                        .files = files,
                        .history = history,
                        .credentials_directory = environment("CREDENTIALS_DIRECTORY"),
                        .stop = stop.descriptor()};
    Daemon daemon{flags, std::move(settings), shared, signals, stop, [&] { return load(flags, reporter); }};
    auto end = daemon.run();
    if (end.stuck) {
        // Its thread still uses what would be destroyed here. A crash at any instant is safe, and so is this.
        tell(flags, end.outcome);
        ::_exit(end.outcome.exit_code);
    }
    return end;
}

/// The log in each of its forms: `reporter` is the one that was asked for.
class Log {
 public:
    Log(LogForm form, const ports::Clock& clock)
        : form_(form),
          in_journal_(host::is_journal(STDERR_FILENO, ::getenv("JOURNAL_STREAM"))),
          text_(STDERR_FILENO, in_journal_),
          json_(STDERR_FILENO, clock),
          journal_(text_) {}

    [[nodiscard]] ports::Reporter& reporter() {
        if (form_ == LogForm::Json) return json_;
        const bool journal = form_ == LogForm::Journal || (form_ == LogForm::Automatic && in_journal_);
        if (journal) return journal_;
        return text_;
    }

 private:
    LogForm form_;
    bool in_journal_;
    host::LogReporter text_;
    host::JsonReporter json_;
    host::JournalReporter journal_;
};

int run(const Flags& flags) {
    host::hold_requests();
    const host::SystemClock clock;
    Log log{flags.log, clock};
    auto& reporter = log.reporter();
    if (const auto hardened = host::harden(); !hardened) return refuse(flags, reporter, hardened.error());
    if (flags.check_config) return check(flags);
    auto settings = load(flags, reporter);
    if (!settings) {
        tell(flags, {.exit_code = exit_settings,
                     .reason = "bad-settings",
                     .detail = flags.config + ": see the log, or run with --check-config"});
        return exit_settings;
    }
    storage::FileCalls files;
    const auto& directory = settings->state_directory;
    auto lock = storage::StateLock::take(directory);
    const bool another_runs = !lock && lock.error().kind == core::ErrorKind::Unavailable;
    const bool asks = flags.request != core::Request::None;
    const core::Asking asking{.request = flags.request,
                              .id = host::SystemEntropy{}.tag(storage::asking_id_length)};
    if (another_runs && asks) {
        if (const auto outcome = ask_daemon(files, *settings, asking)) {
            tell(flags, *outcome);
            return outcome->exit_code;
        }
        lock = storage::StateLock::take(directory);
    }
    if (!lock) return refuse(flags, reporter, lock.error());
    if (asks && !another_runs)
        if (auto saved = storage::save_request(files, directory, asking); !saved)
            return refuse(flags, reporter, saved.error());
    storage::HistoryFile history{directory};
    Recorder recorder{reporter, history, clock};
    const auto end = serve(flags, std::move(settings), recorder, files, history);
    if (!flags.once && end.outcome.exit_code != 0)
        reporter.report({ports::Severity::Error, end.outcome.reason, end.outcome.detail});
    tell(flags, end.outcome);
    return end.outcome.exit_code;
}

}  // namespace
}  // namespace devkey

int main(int argc, char** argv) {
    // The threads take turns: an arena for each would cost memory, and time to make, and save nothing.
    ::mallopt(M_ARENA_MAX, 1);
    try {
        const auto parsed = devkey::parse_flags(argc, argv);
        if (const auto* leave = std::get_if<devkey::Leave>(&parsed)) return leave->exit_code;
        return devkey::run(std::get<devkey::Flags>(parsed));
    } catch (const std::exception& error) {  // the system refused what nothing can go on without
        fmt::print(stderr, "devkeyd: {}\n", error.what());
        return devkey::exit_internal;
    }
}
