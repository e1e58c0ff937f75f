#include "refusal_log.hpp"

#include <utility>

namespace devkey {

RefusalLog::RefusalLog(host::EventLoop& loop, const Shared& shared, ports::Event more, std::string_view who)
    : loop_(loop), shared_(shared), more_(std::move(more)), who_(who) {
    loop_.watch(minute_.descriptor(), [this] {
        minute_.clear();
        tell_of_counted(shared_.clock.boot_now());
    });
}

RefusalLog::~RefusalLog() {
    loop_.forget(minute_.descriptor());
}

void RefusalLog::tell(const std::string& who, const ports::Event& refusal) {
    const auto now = shared_.clock.boot_now();
    tell_of_counted(now);
    if (!refusals_.is_news(who, now)) return minute_.set(*refusals_.due());
    shared_.reporter.report(refusal);
}

void RefusalLog::tell_of_counted(core::BootInstant now) {
    for (const auto& rest : refusals_.take(now)) {
        auto event = more_;
        event.fields.emplace_back("count", std::to_string(rest.count));
        if (rest.who) event.fields.emplace_back(who_, *rest.who);
        shared_.reporter.report(event);
    }
    if (const auto due = refusals_.due()) minute_.set(*due);
}

}  // namespace devkey
