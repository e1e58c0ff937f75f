// What can go wrong, told so that the caller knows what to do.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace devkey::core {

/// What the caller should do about an error; never how it came about (that is in the message).
enum class ErrorKind {
    InvalidInput,     ///< a setting, a file or a request is wrong: a person must mend it
    Unauthenticated,  ///< these credentials (or this session) are not accepted
    Forbidden,        ///< not allowed to do this, by the service or by a file's permissions
    NotFound,         ///< the thing named is not there
    Conflict,         ///< the name is taken
    LimitReached,     ///< the owner has as many keys as the service allows
    RateLimited,      ///< too many requests: wait `retry_after` or longer
    SecretUnusable,   ///< the owner's secret can't be had: see the message
    SecretForbidden,  ///< others can read the owner's secret, or we may not
    SecretDelayed,    ///< the owner's secret can't be had just now
    ProviderOff,      ///< the service doesn't offer this way to log in
    Unavailable,      ///< no usable answer, and nothing was changed: try again later
    OutcomeUnknown,   ///< no usable answer to a change: it may have happened, or may yet happen
    TooEarly,         ///< an answer proves nothing yet: ask again soon
    Corrupt,          ///< stored data can't be understood
    Insecure,         ///< using it would break a promise (others may reach a file; TLS; plain HTTP)
    Io,               ///< the disk or the operating system refused
};

/// The kind's stable name, in kebab case, as logs and status show it.
[[nodiscard]] std::string_view name_of(ErrorKind kind);

/// An error a person can act upon. The message names the place and the remedy and never holds a secret.
struct Error {
    ErrorKind kind;
    std::string message;
    std::optional<std::chrono::seconds>
        retry_after{};  ///< what the service asked for (Retry-After), if it did
};

template <class T>
using Result = std::expected<T, Error>;

/// `return fail(ErrorKind::Io, "…")` from any function that answers a Result.
[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, std::string message) {
    return std::unexpected(Error{kind, std::move(message)});
}

/// The same error with `place` (and a colon) before its message.
[[nodiscard]] Error with_context(std::string_view place, Error error);

}  // namespace devkey::core
