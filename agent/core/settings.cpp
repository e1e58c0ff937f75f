#include "core/settings.hpp"

namespace devkey::core {
namespace {

using namespace std::chrono_literals;

// A card that is worn out, say. More than that is no disk any more.
constexpr Millis disk_may_take = 30s;

template <class Source>
Millis timeout_of(const Source& source) {
    const auto* command = std::get_if<FromCommand>(&source);
    return command == nullptr ? Millis{} : command->timeout;
}

}  // namespace

std::string_view name_of(OwnerProvider provider) {
    switch (provider) {
        case OwnerProvider::LocalUserpass:
            return "local-userpass";
        case OwnerProvider::CustomToken:
            return "custom-token";
        case OwnerProvider::CustomFunction:
            return "custom-function";
    }
    return "";
}

Millis longest_step(const Settings& settings) {
    Millis longest = disk_may_take + settings.service.connect_timeout + settings.service.request_timeout +
                     timeout_of(settings.owner.secret) + timeout_of(settings.device_id);
    const auto& hooks = settings.policy.hooks;
    for (const auto* hook : {&hooks.after_publish, &hooks.before_disable, &hooks.on_failure})
        if (*hook) longest += (*hook)->timeout;
    return longest;
}

}  // namespace devkey::core
