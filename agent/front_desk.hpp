// Who talks to the daemon, and what comes of it: a question is answered at once (but for a plan, which takes
// a while), and nothing is done here but to write down what was asked for.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "control/desk.hpp"
#include "core/settings.hpp"
#include "host/control_socket.hpp"
#include "host/event_loop.hpp"
#include "refusal_log.hpp"
#include "wiring.hpp"

namespace devkey {

/// Used by the main thread.
class FrontDesk {
 public:
    /// What the daemon is asked.
    struct Daemon {
        std::function<core::Status()> status;
        std::function<control::AgentStatus()> agent;
        std::function<core::Result<void>(const core::Asking&)>
            record;                              ///< writes it down, and wakes the worker
        std::function<bool()> reload;            ///< false: the new settings are wrong
        std::function<void()> look;              ///< has the worker ask the service how the keys are
        std::function<void(core::Millis)> plan;  ///< has a plan made of what comes until then: see planned()
    };

    /// `loop` and `shared` outlive it.
    FrontDesk(host::EventLoop& loop, const Shared& shared, Daemon daemon);

    /// Listens as the settings say, from now on; anew where its socket was deleted. Where it can't, that is
    /// reported, and the daemon goes on without.
    void open(const core::ControlSettings& settings);

    /// The plan that the daemon was asked for, as the answer's line. Not from within Daemon::plan.
    void planned(const std::string& line);

    /// Reports the refusals that were only counted until now.
    void tell_of_counted() { refusals_.tell_of_counted(); }

 private:
    using Answer = std::optional<std::string>;  // none: later
    struct Plan {
        std::uint64_t connection;
        bool may_change;  // who asked
        core::Millis span;
    };

    [[nodiscard]] Answer answer(const host::Peer& peer, host::ControlSocket::Line line);
    [[nodiscard]] Answer answer(const host::Peer& peer, const control::Question& question);
    [[nodiscard]] Answer begin_plan(const host::Peer& peer, const control::Rights& rights, core::Millis span);
    [[nodiscard]] control::Rights rights_of(const host::Peer& peer) const;
    void tell_of_refusal(const host::Peer& peer, const control::Question& question);
    [[nodiscard]] std::optional<gid_t> group(const std::string& setting, const std::string& name);

    const Shared& shared_;
    Daemon daemon_;
    RefusalLog refusals_;
    std::optional<gid_t> readers_;
    std::optional<gid_t> changers_;
    std::deque<Plan> plans_;  // asked for; the first one is being made
    host::ControlSocket socket_;
};

}  // namespace devkey
