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
        case Request::None:
            break;
    }
    return "none";
}

bool asks_for_the_same(const Asking& one, const Asking& other) {
    // Who says that the key has leaked asks for more than who only wants another.
    const bool enough = one.compromised || !other.compromised;
    return one.request == other.request && one.generation == other.generation && enough;
}

}  // namespace devkey::core
