// Tells of those who are refused, so that one who asks again and again doesn't flood the log.
#pragma once

#include <string>
#include <string_view>

#include "control/refusals.hpp"
#include "host/event_loop.hpp"
#include "host/timer.hpp"
#include "wiring.hpp"

namespace devkey {

/// Used by the main thread.
class RefusalLog {
 public:
    /// `more` is reported with a field `count`, and with the field `who` that says of whom. `loop` and
    /// `shared` outlive it.
    RefusalLog(host::EventLoop& loop, const Shared& shared, ports::Event more, std::string_view who);
    RefusalLog(const RefusalLog&) = delete;
    RefusalLog& operator=(const RefusalLog&) = delete;
    ~RefusalLog();

    /// Reports that `who` is refused; or counts it, where it was told within a minute.
    void tell(const std::string& who, const ports::Event& refusal);

    /// Reports what was only counted until now: at the end, and by itself when a minute is over.
    void tell_of_counted(core::BootInstant now = core::BootInstant::max());

 private:
    host::EventLoop& loop_;
    const Shared& shared_;
    ports::Event more_;
    std::string_view who_;
    control::Refusals refusals_;
    host::Timer minute_;  // not set unless refusals are counted
};

}  // namespace devkey
