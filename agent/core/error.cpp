#include "core/error.hpp"

namespace devkey::core {

std::string_view name_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::InvalidInput:
            return "invalid-input";
        case ErrorKind::Unauthenticated:
            return "unauthenticated";
        case ErrorKind::Forbidden:
            return "forbidden";
        case ErrorKind::NotFound:
            return "not-found";
        case ErrorKind::Conflict:
            return "conflict";
        case ErrorKind::LimitReached:
            return "limit-reached";
        case ErrorKind::RateLimited:
            return "rate-limited";
        case ErrorKind::SecretUnusable:
            return "secret-unusable";
        case ErrorKind::SecretForbidden:
            return "secret-forbidden";
        case ErrorKind::SecretDelayed:
            return "secret-delayed";
        case ErrorKind::ProviderOff:
            return "provider-off";
        case ErrorKind::Unavailable:
            return "unavailable";
        case ErrorKind::OutcomeUnknown:
            return "outcome-unknown";
        case ErrorKind::TooEarly:
            return "too-early";
        case ErrorKind::Corrupt:
            return "corrupt";
        case ErrorKind::Insecure:
            return "insecure";
        case ErrorKind::Io:
            return "io";
    }
    return "unknown";
}

Error with_context(std::string_view place, Error error) {
    error.message.insert(0, ": ").insert(0, place);
    return error;
}

}  // namespace devkey::core
