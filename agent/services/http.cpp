#include "services/http.hpp"

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>
#include <Poco/Exception.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/NumberParser.h>

#include <algorithm>
#include <istream>
#include <ostream>

#include "services/connect.hpp"

namespace devkey::services {

using core::ErrorKind;
using Poco::Net::HTTPRequest;
using Poco::Net::HTTPResponse;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t longest_answer = 1U << 20U;  // 20 keys need 2 kB
constexpr int most_header_fields = 100;
// A connection that is idle for longer may have been closed by the other side without our knowing. In time
// since boot: what was open before the device slept is most likely dead.
constexpr auto answered_just_now = std::chrono::seconds{2};

/// `Retry-After` in seconds or as a date, within a second and a day.
std::optional<std::chrono::seconds> retry_after(const HTTPResponse& response) {
    if (!response.has("Retry-After")) return std::nullopt;
    const std::string text = response.get("Retry-After");
    long long seconds = 0;
    if (Poco::Int64 number = 0; Poco::NumberParser::tryParse64(text, number)) {
        seconds = number;
    } else {
        int zone = 0;
        Poco::DateTime date;
        if (!Poco::DateTimeParser::tryParse(text, date, zone)) return std::nullopt;
        seconds = (date.timestamp() - Poco::Timestamp()) / Poco::Timestamp::resolution();
    }
    return std::chrono::seconds{std::clamp<long long>(seconds, 1, 86400)};
}

/// `Date` (RFC 9110, 6.6.1), if it is one that a clock in use could show.
std::optional<core::Instant> date_of(const HTTPResponse& response) {
    int zone = 0;
    Poco::DateTime date;
    const auto text = response.get("Date", "");
    if (!Poco::DateTimeParser::tryParse(Poco::DateTimeFormat::HTTP_FORMAT, text, date, zone))
        return std::nullopt;
    if (zone != 0 || date.year() < 2020 || date.year() > 2200) return std::nullopt;
    return core::Instant{std::chrono::seconds{date.timestamp().epochTime()}};
}

/// Reads to the end; throws if it is cut off or too long.
core::Secret read_body(std::istream& in, const HTTPResponse& response) {
    std::string body(4096, '\0');
    std::size_t size = 0;
    while (in.good() && size <= longest_answer) {
        if (size == body.size()) {
            std::string longer(body.size() * 2, '\0');
            std::copy(body.begin(), body.end(), longer.begin());
            core::wipe(body);
            body = std::move(longer);
        }
        in.read(body.data() + size, static_cast<std::streamsize>(body.size() - size));
        size += static_cast<std::size_t>(in.gcount());
    }
    core::Secret result{std::string_view(body).substr(0, size)};
    core::wipe(body);
    if (size > longest_answer) throw Poco::DataFormatException("the answer is longer than 1 MiB");
    if (response.hasContentLength() && static_cast<std::size_t>(response.getContentLength64()) != size)
        throw Poco::DataFormatException("the answer was cut off");
    return result;
}

HTTPRequest to_poco(const Request& request, const Origin& origin) {
    HTTPRequest poco(request.method, request.path, HTTPRequest::HTTP_1_1);
    poco.set("Host", origin.authority());
    poco.set("User-Agent", "devkeyd/" DEVKEY_VERSION);
    poco.set("Accept", "application/json");
    poco.setKeepAlive(true);
    if (request.bearer != nullptr) {
        std::string bearer;
        bearer.reserve(request.bearer->reveal().size() + 7);
        bearer.append("Bearer ").append(request.bearer->reveal());
        poco.set("Authorization", bearer);
        core::wipe(bearer);
    }
    if (!request.body.empty()) poco.setContentType("application/json");
    if (request.method != "GET")
        poco.setContentLength(static_cast<std::streamsize>(request.body.reveal().size()));
    return poco;
}

/// Wipes a request's token at its end. Poco gives no way to change a header in place; the memory is not
/// const, though.
class WipedAfterUse {
 public:
    explicit WipedAfterUse(HTTPRequest& request) : request_(request) {}
    WipedAfterUse(const WipedAfterUse&) = delete;
    WipedAfterUse& operator=(const WipedAfterUse&) = delete;
    ~WipedAfterUse() {
        const auto header = request_.find("Authorization");
        if (header != request_.end()) core::wipe(const_cast<std::string&>(header->second));
    }

 private:
    HTTPRequest& request_;
};

}  // namespace

struct Http::Connection {
    Origin origin;
    std::unique_ptr<Poco::Net::HTTPClientSession> session;
    core::BootInstant last_answer;
    bool reused = false;
};

Http::Http(const core::ServiceSettings& settings, const ports::Clock& clock, Interrupter& interrupter)
    : settings_(settings), clock_(clock), interrupter_(interrupter) {}

Http::~Http() = default;

bool Http::connected_to(const Origin& origin) const {
    return connection_ && connection_->origin == origin;
}

void Http::close() noexcept {
    connection_.reset();
}

core::Result<void> Http::connect(const Origin& origin) {
    close();
    auto socket = connect_to(origin, settings_, std::max(clock_.now(), floor_), interrupter_,
                             steady_clock::now() + settings_.connect_timeout);
    if (!socket) return std::unexpected(std::move(socket.error()));
    ++connections_made_;
    try {
        adopt(origin, *socket);
    } catch (const std::exception& error) {  // the socket is gone already
        return core::fail(ErrorKind::Unavailable,
                          "can't connect to " + origin.authority() + ": " + error.what());
    }
    return {};
}

void Http::adopt(const Origin& origin, const Poco::Net::StreamSocket& socket) {
    auto connection = std::make_unique<Connection>();
    connection->origin = origin;
    // Over the socket, plain or with TLS, that we connected ourselves. The session gets no host: with one,
    // Poco would reconnect by itself, past our deadlines and checks. (Poco's HTTPS session can't take a
    // connected socket.)
    connection->session = std::make_unique<Poco::Net::HTTPClientSession>(socket);
    connection->session->setKeepAlive(true);
    // On the socket: a session takes its own timeouts to a socket only when it connects itself.
    const Poco::Timespan patience(settings_.request_timeout.count() * 1000);
    connection->session->socket().setReceiveTimeout(patience);
    connection->session->socket().setSendTimeout(patience);
    connection_ = std::move(connection);
}

std::expected<Response, NoAnswer> Http::send(const Origin& origin, const Request& request) {
    const bool stale = connection_ && !request.repeatable &&
                       clock_.boot_now() - connection_->last_answer > answered_just_now;
    if (!connected_to(origin) || stale) {
        if (auto connected = connect(origin); !connected)
            return std::unexpected(NoAnswer{connected.error(), false});
    }
    const auto deadline = steady_clock::now() + settings_.request_timeout;
    const bool reused = connection_->reused;
    auto response = exchange(request, deadline);
    // What used up its time isn't sent again: the time is for the call, not for each try.
    const bool again =
        reused && request.repeatable && steady_clock::now() < deadline && !interrupter_.aborted();
    if (response || !again) return response;
    if (auto connected = connect(origin); !connected)
        return std::unexpected(NoAnswer{connected.error(), true});
    return exchange(request, deadline);
}

std::pair<Response, bool> Http::transact(Poco::Net::HTTPClientSession& session, HTTPRequest& request,
                                         std::string_view body, Interrupter::Time deadline) {
    const Interrupter::Watch watch(interrupter_, session.socket().impl()->sockfd(), deadline);
    auto& out = session.sendRequest(request);
    out.write(body.data(), static_cast<std::streamsize>(body.size())).flush();
    HTTPResponse answer;
    answer.setFieldLimit(most_header_fields);
    auto& in = session.receiveResponse(answer);
    Response response{.status = answer.getStatus(),
                      .body = read_body(in, answer),
                      .retry_after = retry_after(answer),
                      .date = date_of(answer)};
    return {std::move(response), answer.getKeepAlive()};
}

std::expected<Response, NoAnswer> Http::exchange(const Request& request, Interrupter::Time deadline) {
    const std::string where = request.method + " at " + connection_->origin.authority();
    try {
        auto poco = to_poco(request, connection_->origin);
        const WipedAfterUse wiped(poco);
        auto [response, keep] = transact(*connection_->session, poco, request.body.reveal(), deadline);
        connection_->last_answer = clock_.boot_now();
        if (response.date) date_ = core::ServerDate{*response.date, connection_->last_answer};
        connection_->reused = true;
        if (!keep) close();
        return std::move(response);
    } catch (const Poco::Exception& error) {
        close();
        return std::unexpected(NoAnswer{
            {ErrorKind::Unavailable, "no whole answer to " + where + ": " + error.displayText()}, true});
    } catch (const std::exception& error) {
        close();
        return std::unexpected(
            NoAnswer{{ErrorKind::Unavailable, "no whole answer to " + where + ": " + error.what()}, true});
    }
}

}  // namespace devkey::services
