#include "services/app_services.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "services/http.hpp"
#include "services/wire.hpp"

namespace devkey::services {

using core::Error;
using core::ErrorKind;
using core::Result;
using core::Secret;

namespace {

constexpr const char* base = "/api/client/v2.0";

/// What a status means where nothing special is known of the call (App Services client API; status first,
/// code second).
ErrorKind kind_of(int status, bool logging_in) {
    switch (status) {
        case 400:
            return ErrorKind::InvalidInput;
        case 401:
            return ErrorKind::Unauthenticated;
        case 403:
            return ErrorKind::Forbidden;
        case 404:
            return logging_in ? ErrorKind::ProviderOff : ErrorKind::NotFound;
        case 409:
            return ErrorKind::Conflict;
        case 429:
            return ErrorKind::RateLimited;
        default:
            return ErrorKind::Unavailable;
    }
}

bool is_success(int status) {
    return status >= 200 && status < 300;
}

/// Which request it was, as far as errors depend on it.
enum class Call { Location, OwnerLogIn, KeyLogIn, AsOwner };

bool logs_in(Call call) {
    return call == Call::OwnerLogIn || call == Call::KeyLogIn;
}

/// What a person can do about it, or what happens next.
std::string_view remedy_of(int status, Call call) {
    if (status >= 300 && status < 400)
        return "redirects aren't followed: name the place itself in service.url";
    switch (status) {
        case 400:
            return call == Call::OwnerLogIn ? "check owner.provider and the owner's secret"
                                            : "check that service.url is a service of this protocol";
        case 401:
            if (call == Call::KeyLogIn) return "the key isn't accepted now";
            return call == Call::OwnerLogIn ? "check the owner's name and secret"
                                            : "check that the owner isn't disabled";
        case 403:
            return "the owner may not do this: check its rights on the service";
        case 404:
            if (call == Call::Location) return "check service.app";
            return logs_in(call) ? "turn this provider on on the service" : "there is none of this id";
        case 409:
            return "the name is taken";
        default:
            return "it's asked again later";
    }
}

/// The service's own words, without what we sent it in confidence. A log-in's could echo a password in part:
/// of them only the code is kept, if it isn't a part of what we sent.
std::string quoted(const ErrorBody& body, const Request& request, Call call) {
    const auto& code = body.code;
    if (logs_in(call)) {
        const bool echo = request.body.reveal().find(code) != std::string_view::npos;
        return code.empty() || echo ? "" : " (" + code + ")";
    }
    const auto holds = [&](const Secret* secret) {
        if (secret == nullptr || secret->empty()) return false;
        return body.text.find(secret->reveal()) != std::string::npos ||
               code.find(secret->reveal()) != std::string::npos;
    };
    if (holds(request.bearer) || holds(&request.body)) return " (it quoted a secret)";
    return (code.empty() ? "" : " (" + code + ")") + (body.text.empty() ? "" : ": " + body.text);
}

Error error_of(const Origin& origin, const Request& request, const Response& response, Call call) {
    const auto body = parse_error(response.body.reveal());
    std::string message = "service " + origin.url() + " answered " + std::to_string(response.status) +
                          " to " + request.method + " " + request.path + quoted(body, request, call);
    message.append("; ").append(remedy_of(response.status, call));
    return {kind_of(response.status, logs_in(call)), std::move(message), response.retry_after};
}

/// What an owner's secret that can't be read means to the caller.
ErrorKind secret_kind(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::Insecure:
        case ErrorKind::Forbidden:
            return ErrorKind::SecretForbidden;
        case ErrorKind::Unavailable:
            return ErrorKind::SecretDelayed;
        default:
            return ErrorKind::SecretUnusable;
    }
}

class AppServices : public ports::KeyService {
 public:
    AppServices(core::ServiceSettings service, core::OwnerSettings owner, Origin origin,
                ports::OwnerSecret& secret, const ports::Clock& clock, Interrupter& interrupter)
        : service_(std::move(service)),
          owner_(std::move(owner)),
          origin_(std::move(origin)),
          secret_(secret),
          http_(service_, clock, interrupter) {}

    const core::Capabilities& capabilities() const override { return can_; }

    Result<std::string> log_in() override {
        if (session_) return session_->user_id;
        auto secret = secret_.read();
        if (!secret) return core::fail(secret_kind(secret.error().kind), secret.error().message);
        auto body = log_in_body(owner_, *secret);
        if (!body) return std::unexpected(body.error());
        auto session = open_session(Call::OwnerLogIn, *std::move(body));
        if (!session) return std::unexpected(session.error());
        session_ = *std::move(session);
        return session_->user_id;
    }

    Result<std::vector<core::ListedKey>> list() override {
        const auto response = as_owner({.method = "GET", .path = keys_path()});
        return response ? parse_keys(response->body.reveal()) : std::unexpected(response.error());
    }

    Result<core::ListedKey> get(const std::string& id) override {
        const auto path = key_path(id);
        if (!path) return std::unexpected(path.error());
        const auto response = as_owner({.method = "GET", .path = *path});
        return response ? parse_key(response->body.reveal()) : std::unexpected(response.error());
    }

    Result<ports::CreatedKey> create(const std::string& name) override {
        Request request{
            .method = "POST", .path = keys_path(), .body = create_body(name), .repeatable = false};
        const auto response = as_owner(request);
        if (!response) return std::unexpected(response.error());
        auto created = parse_created_key(response->body.reveal());
        if (!created) return core::fail(ErrorKind::OutcomeUnknown, created.error().message);
        if (created->name != name)
            return core::fail(ErrorKind::OutcomeUnknown, "the service answered with a key of another name");
        return created;
    }

    Result<void> enable(const std::string& id) override { return change("PUT", id, "/enable"); }
    Result<void> disable(const std::string& id) override { return change("PUT", id, "/disable"); }

    Result<void> remove(const std::string& id) override {
        auto removed = change("DELETE", id);
        if (!removed && removed.error().kind == ErrorKind::NotFound) return {};
        return removed;
    }

    Result<std::string> prove(const Secret& key) override {
        const auto session = open_session(Call::KeyLogIn, api_key_body(key));
        if (!session) return std::unexpected(session.error());
        close_session(*session);
        return session->user_id;
    }

    void set_floor(core::Instant floor) override { http_.set_floor(floor); }
    std::optional<core::ServerDate> server_date() const override { return http_.server_date(); }

    void rest() noexcept override {
        if (session_) close_session(*session_);
        session_.reset();
        location_.reset();
        http_.close();
    }

 private:
    static std::string keys_path() { return std::string(base) + "/auth/api_keys"; }

    /// An id comes from the disk, where others may have written it: it must not lead to another path.
    static Result<std::string> key_path(const std::string& id) {
        if (is_id(id)) return keys_path() + "/" + id;
        return core::fail(ErrorKind::InvalidInput, "the key id '" + clean(id) +
                                                       "' in the state isn't one: restore state.json from a "
                                                       "backup of this device; nothing was sent");
    }

    /// Where the app lives, as the service says: asked once per session, and only believed where the settings
    /// allow it.
    Result<Origin> location() {
        if (location_) return *location_;
        const Request request{.method = "GET",
                              .path = std::string(base) + "/app/" + service_.app + "/location"};
        const auto response = http_.send(origin_, request);
        if (!response) return std::unexpected(response.error().error);
        if (!is_success(response->status)) {
            auto error = error_of(origin_, request, *response, Call::Location);
            if (error.kind == ErrorKind::NotFound) error.kind = ErrorKind::InvalidInput;
            return std::unexpected(std::move(error));
        }
        const auto hostname = parse_location(response->body.reveal());
        if (!hostname) return std::unexpected(hostname.error());
        const auto place = parse_origin(*hostname);
        if (!place) return core::fail(ErrorKind::Insecure, "location.hostname " + place.error().message);
        if (!is_allowed(*place))
            return core::fail(ErrorKind::Insecure,
                              "the service sends us to " + place->authority() +
                                  ", which service.allowed_hosts doesn't name; nothing was sent there");
        location_ = *place;
        return *location_;
    }

    [[nodiscard]] bool is_allowed(const Origin& place) const {
        if (place == origin_) return true;
        return std::ranges::any_of(service_.allowed_hosts, [&](const std::string& host) {
            const auto allowed = parse_origin("https://" + host);
            return allowed && *allowed == place;
        });
    }

    Result<Session> open_session(Call call, Secret body) {
        const auto place = location();
        if (!place) return std::unexpected(place.error());
        const auto provider = call == Call::KeyLogIn ? "api-key" : name_of(owner_.provider);
        const Request request{.method = "POST",
                              .path = std::string(base) + "/app/" + service_.app + "/auth/providers/" +
                                      std::string(provider) + "/login",
                              .body = std::move(body)};
        const auto response = http_.send(*place, request);
        if (!response) return std::unexpected(response.error().error);
        if (!is_success(response->status)) return std::unexpected(error_of(*place, request, *response, call));
        return parse_session(response->body.reveal());
    }

    /// Logs a session out; what fails is left to expire.
    void close_session(const Session& session) noexcept {
        if (!location_) return;
        const auto gone = http_.send(*location_, {.method = "DELETE",
                                                  .path = std::string(base) + "/auth/session",
                                                  .bearer = &session.refresh_token});
        static_cast<void>(gone.has_value());
    }

    Result<void> change(std::string method, const std::string& id, const char* what = "") {
        const auto path = key_path(id);
        if (!path) return std::unexpected(path.error());
        const auto response = as_owner({.method = std::move(method), .path = *path + what});
        if (!response) return std::unexpected(response.error());
        return {};
    }

    /// A call with the owner's refresh token. A session that has ended is opened anew, once: a 401 says that
    /// nothing was done.
    Result<Response> as_owner(Request request) {
        auto response = once_as_owner(request);
        if (response || response.error().kind != ErrorKind::Unauthenticated || !session_) return response;
        session_.reset();
        return once_as_owner(request);
    }

    Result<Response> once_as_owner(Request& request) {
        if (const auto in = log_in(); !in) return std::unexpected(in.error());
        const auto place = location();
        if (!place) return std::unexpected(place.error());
        request.bearer = &session_->refresh_token;
        auto response = http_.send(*place, request);
        const bool changes = request.method != "GET";
        if (!response) {
            auto error = std::move(response.error().error);
            if (changes && response.error().sent) error.kind = ErrorKind::OutcomeUnknown;
            return std::unexpected(std::move(error));
        }
        if (is_success(response->status)) return *std::move(response);
        auto error = error_of(*place, request, *response, Call::AsOwner);
        const bool at_limit = parse_error(response->body.reveal()).code == "APIKeyLimitExceeded";
        if (at_limit && response->status < 500) error.kind = ErrorKind::LimitReached;
        // A gateway's 5xx, a time-out or a redirect may come after the service has done it.
        if (changes && error.kind == ErrorKind::Unavailable) error.kind = ErrorKind::OutcomeUnknown;
        return std::unexpected(std::move(error));
    }

    core::ServiceSettings service_;
    core::OwnerSettings owner_;
    Origin origin_;
    ports::OwnerSecret& secret_;
    const core::Capabilities can_ = app_services_capabilities();
    Http http_;
    std::optional<Origin> location_;
    std::optional<Session> session_;
};

}  // namespace

core::Capabilities app_services_capabilities() {
    core::Capabilities can;  // whose names have 64 characters at most, and whose owners 20 keys
    can.read_lag = std::chrono::seconds{15};  // SDK tests wait that long for a write to show
    can.late_landing = std::chrono::minutes{5};
    return can;
}

Result<std::unique_ptr<ports::KeyService>> make_app_services(const core::ServiceSettings& service,
                                                             const core::OwnerSettings& owner,
                                                             ports::OwnerSecret& secret,
                                                             const ports::Clock& clock,
                                                             Interrupter& interrupter) {
    auto origin = parse_origin(service.url);
    if (!origin) return std::unexpected(core::with_context("service.url", origin.error()));
    return std::make_unique<AppServices>(service, owner, *std::move(origin), secret, clock, interrupter);
}

}  // namespace devkey::services
