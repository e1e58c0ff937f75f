// The main thread: waits for signals, times and files, and hands triggers to the worker, and plans to the
// planner.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "credential_provider.hpp"
#include "flags.hpp"
#include "front_desk.hpp"
#include "host/clock_watch.hpp"
#include "host/event_loop.hpp"
#include "host/file_watch.hpp"
#include "host/notify.hpp"
#include "host/signals.hpp"
#include "host/timer.hpp"
#include "host/wake.hpp"
#include "host/watchdog.hpp"
#include "host/worker.hpp"
#include "metrics_file.hpp"
#include "on_disk.hpp"
#include "outcome.hpp"
#include "storage/requests_file.hpp"
#include "wiring.hpp"

namespace devkey {

/// Settings never change once they are read: new ones replace them.
using SettingsPointer = std::shared_ptr<const core::Settings>;

/// Runs one device's passes until a signal comes, or (once) until nothing is left that is worth waiting for.
class Daemon {
 public:
    /// Reads the settings anew; has reported what is wrong if it answers none.
    using Reload = std::function<SettingsPointer()>;

    /// `signals` was made before any thread; `stop` is what shared.stop belongs to. All references outlive
    /// it.
    Daemon(const Flags& flags, SettingsPointer settings, const Shared& shared, host::Signals& signals,
           host::Wake& stop, Reload reload);

    /// Answers what it came to. A worker that hangs is left behind: then `stuck` is true, and the process
    /// must leave by _exit.
    struct End {
        Outcome outcome;
        bool stuck = false;
    };
    [[nodiscard]] End run();

 private:
    struct Request {
        engine::Trigger trigger;
        SettingsPointer settings;  // the ones to use from now on
        core::Asking asking;       // what a person asked for, until it is done
    };
    struct Answer {
        core::Result<engine::Snapshot> snapshot;
        SettingsPointer asked;  // the request's settings
        SettingsPointer used;   // the ones in use: the old ones, if the asked can't be used here
        core::Asking asking;
    };

    struct Planning {
        SettingsPointer settings;
        Known known;
        core::Millis span;
    };

    struct Watched {
        Watched(std::string of, engine::Trigger then)
            : path(std::move(of)), trigger(then), watch(std::make_unique<host::FileWatch>(path)) {}
        std::string path;
        engine::Trigger trigger;  // what a change asks for
        std::unique_ptr<host::FileWatch> watch;
    };

    // on the worker
    [[nodiscard]] Answer work(const Request& request);
    [[nodiscard]] core::Result<void> use(const SettingsPointer& settings);

    // on the main thread
    void ask(engine::Trigger trigger);
    void answered();
    void tell(const engine::Snapshot& snapshot);
    void feed_watchdog();
    void read_request();
    /// False: somebody is just writing there.
    [[nodiscard]] bool forget_request();
    void signalled();
    void asked_by_signal();
    bool reload();
    [[nodiscard]] core::Status status() const;
    [[nodiscard]] control::AgentStatus agent_status() const;
    void plan(core::Millis span);
    void planned();
    [[nodiscard]] bool stop_threads();
    [[nodiscard]] core::Result<void> record(const core::Asking& asking);
    void open_sockets();
    void watch_files();
    void watch(Watched& watched);
    void touched(engine::Trigger trigger);
    void watch_what_was_not();
    void tell_of_blindness();
    void leave(Outcome outcome);
    [[nodiscard]] Outcome outcome_of(const engine::Snapshot& snapshot) const;

    const Flags& flags_;
    const Shared& shared_;
    host::Signals& signals_;
    host::Wake& stop_;
    Reload reload_;
    host::EventLoop loop_;
    host::Timer timer_;
    host::ClockWatch clock_watch_;
    host::Notify notify_;
    host::Watchdog watchdog_{notify_};
    FrontDesk desk_;
    CredentialProvider provider_;
    host::Wake sockets_move_;  // not from within their own handlers
    std::optional<engine::Snapshot> latest_;
    core::BootInstant latest_at_{};  // when it came
    std::vector<Watched> watched_;
    bool told_of_blindness_ = false;
    SettingsPointer wanted_;  // what the last request names
    core::Millis longest_step_{};
    core::Asking asking_;
    bool changed_ = false;
    Outcome outcome_;

    // The worker's alone; declared before it, so that they outlive its thread.
    MetricsFile metrics_;
    std::unique_ptr<Device> device_;
    SettingsPointer used_;
    host::Worker<Request, Answer> worker_;

    // Rehearses (`plan`), beside the passes: it takes a while, and touches nothing.
    std::stop_source stop_planning_;
    host::Worker<Planning, std::string> planner_;
};

}  // namespace devkey
