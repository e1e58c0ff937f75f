#include "core/request.hpp"

namespace devkey::core {

std::string_view name_of(Request request) {
    switch (request) {
        case Request::Decommission:
            return "decommission";
        case Request::Recommission:
            return "recommission";
        case Request::TakeOver:
            return "take-over";
        case Request::Rotate:
            return "rotate";
        case Request::Rollback:
            return "rollback";
        case Request::Disable:
            return "disable";
        case Request::Enable:
            return "enable";
        case Request::Acknowledge:
            return "ack";
        case Request::Pause:
            return "pause";
        case Request::Resume:
            return "resume";
        case Request::None:
            break;
    }
    return "none";
}

bool names_a_generation(Request request) {
    switch (request) {
        case Request::Rotate:
        case Request::Rollback:
        case Request::Disable:
        case Request::Enable:
        case Request::Acknowledge:
            return true;
        default:
            return false;
    }
}

bool asks_for_the_same(const Asking& one, const Asking& other) {
    // Who says that the key has leaked asks for more than who only wants another.
    const bool enough = one.compromised || !other.compromised;
    return one.request == other.request && one.generation == other.generation && one.until == other.until &&
           enough;
}

}  // namespace devkey::core
