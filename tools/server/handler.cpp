#include "server/handler.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/String.h>

#include <algorithm>
#include <chrono>
#include <regex>
#include <sstream>

namespace devkey::server {

using Poco::Net::HTTPServerRequest;
using Poco::Net::HTTPServerRequestImpl;
using Poco::Net::HTTPServerResponse;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t longest_body = 64U << 10U;
constexpr std::size_t longest_head = 16U << 10U;

/// Poco refuses more than 100 headers, a name above 256 bytes and a value above 8 KiB; this is their sum.
bool is_head_too_long(const HTTPServerRequest& request) {
    std::size_t size = request.getURI().size();
    for (const auto& [name, value] : request) size += name.size() + value.size();
    return size > longest_head;
}

/// Where two headers disagree on the length, a proxy before us may have seen another end of the request.
bool is_ambiguous(const HTTPServerRequest& request) {
    const auto lengths = std::ranges::count_if(
        request, [](const auto& header) { return Poco::icompare(header.first, "Content-Length") == 0; });
    return lengths + (request.has("Transfer-Encoding") ? 1 : 0) > 1;
}

struct Body {
    int refused = 0;    ///< the status to refuse it with
    bool whole = true;  ///< false: the client went, or was too slow
    std::string text{};
};

Body read_body(HTTPServerRequest& request) {
    // Poco would read on to the end of the connection.
    if (!request.hasContentLength() && !request.getChunkedTransferEncoding()) return {};
    const auto announced = request.hasContentLength() ? request.getContentLength64() : 0;
    if (announced < 0) return {.refused = 400};
    if (static_cast<std::size_t>(announced) > longest_body) return {.refused = 413};
    Body body;
    auto& in = request.stream();
    for (char c = 0; in.get(c);) {
        if (body.text.size() == longest_body) return {.refused = 413};
        body.text += c;
    }
    body.whole = !request.hasContentLength() || body.text.size() == static_cast<std::size_t>(announced);
    return body;
}

Body read_within_limits(HTTPServerRequest& request) {
    if (is_head_too_long(request)) return {.refused = 431};
    if (is_ambiguous(request)) return {.refused = 400};
    return read_body(request);
}

bool is_host(const std::string& text) {
    static const std::regex host(R"(([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?)");
    return std::regex_match(text, host);
}

std::string path_of(const HTTPServerRequest& request) {
    const auto& target = request.getURI();
    return target.substr(0, target.find('?'));
}

ApiRequest to_api(const HTTPServerRequest& request, const Service& service) {
    ApiRequest api;
    api.method = request.getMethod();
    api.path = path_of(request);
    api.address = client_of(request.clientAddress().host());
    if (request.has("Authorization")) api.authorization = request.get("Authorization");
    api.origin = service.public_url;
    const auto host = request.get("Host", "");
    if (api.origin.empty() && is_host(host)) api.origin = (service.tls ? "https://" : "http://") + host;
    return api;
}

/// Poco's request and response as the steps of an exchange.
class PocoExchange : public Exchange {
 public:
    PocoExchange(const Service& service, HTTPServerRequest& request, HTTPServerResponse& response,
                 ApiRequest api_request, steady_clock::time_point start)
        : service_(service),
          start_(start),
          address_(request.clientAddress().host().toString()),
          socket_(dynamic_cast<HTTPServerRequestImpl&>(request).socket()),
          response_(response),
          request_(std::move(api_request)) {}

    [[nodiscard]] const ApiRequest& request() const override { return request_; }
    [[nodiscard]] std::stop_token stopping() const override { return service_.stopping; }
    ApiAnswer carry_out() override { return service_.api.answer(request_); }

    std::string bytes_of(const ApiAnswer& answer) override {
        status_ = answer.status;
        if (service_.stopping.stop_requested()) response_.setKeepAlive(false);
        response_.setStatus(static_cast<HTTPServerResponse::HTTPStatus>(answer.status));
        response_.setReason(HTTPServerResponse::getReasonForStatus(response_.getStatus()));
        if (answer.retry_after > 0) response_.set("Retry-After", std::to_string(answer.retry_after));
        // Without a charset: two SDK families know exactly this text. And none where there is no body:
        // realm-web would try to parse nothing as JSON.
        if (answer.body) response_.setContentType("application/json");
        const auto body = answer.body.value_or("");
        if (answer.status != 204) response_.setContentLength64(static_cast<Poco::Int64>(body.size()));
        std::ostringstream bytes;
        response_.write(bytes);
        // A HEAD's answer has the headers alone.
        if (request_.method != "HEAD") bytes << body;
        return std::move(bytes).str();
    }

    bool send(std::string_view bytes) override {
        log_once(status_);
        try {
            while (!bytes.empty()) {
                const auto sent = socket_.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
                if (sent <= 0) throw Poco::IOException("not sent");
                bytes.remove_prefix(static_cast<std::size_t>(sent));
            }
            return true;
        } catch (const Poco::Exception&) {
            close();
            return false;
        }
    }

    void close() override {
        log_once(0);
        response_.setKeepAlive(false);  // so that Poco reads no more requests
        try {
            socket_.shutdown();
        } catch (const Poco::Exception&) {
            // The client was faster.
        }
    }

 private:
    /// Before the client can know: whoever has the answer finds it in the log.
    void log_once(int status) {
        if (logged_) return;
        logged_ = true;
        const auto spent =
            std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - start_);
        service_.served({.method = request_.method,
                         .path = request_.path,
                         .status = status,
                         .address = address_,
                         .microseconds = spent.count()});
    }

    const Service& service_;
    steady_clock::time_point start_;
    std::string address_;
    Poco::Net::StreamSocket& socket_;
    HTTPServerResponse& response_;
    ApiRequest request_;
    int status_ = 0;
    bool logged_ = false;
};

class Handler : public Poco::Net::HTTPRequestHandler {
 public:
    Handler(const Service& service, Connections::Place& place) : service_(service), place_(place) {}

    void handleRequest(HTTPServerRequest& request, HTTPServerResponse& response) override {
        const auto start = steady_clock::now();
        auto api_request = to_api(request, service_);
        const auto body = read_within_limits(request);
        api_request.body = body.text;
        PocoExchange exchange(service_, request, response, std::move(api_request), start);
        answer(exchange, response, body);
        place_.wait_for_client();
    }

 private:
    void answer(PocoExchange& exchange, HTTPServerResponse& response, const Body& body) {
        if (!body.whole) return exchange.close();
        if (body.refused != 0) {
            response.setKeepAlive(false);  // what is left of it must not be read as a request
            exchange.send(exchange.bytes_of({.status = body.refused}));
            return;
        }
        place_.answer();
        if (const auto& taken_otherwise = service_.api.seam().exchange) return taken_otherwise(exchange);
        const auto bytes = exchange.bytes_of(exchange.carry_out());
        place_.wait_for_client();
        exchange.send(bytes);
    }

    const Service& service_;
    Connections::Place& place_;
};

class Factory : public Poco::Net::HTTPRequestHandlerFactory {
 public:
    Factory(const Service& service, Connections::Place& place) : service_(service), place_(place) {}
    Poco::Net::HTTPRequestHandler* createRequestHandler(const HTTPServerRequest& /*request*/) override {
        return new Handler(service_, place_);
    }

 private:
    const Service& service_;
    Connections::Place& place_;
};

}  // namespace

bool is_origin(const std::string& url) {
    for (const std::string scheme : {"https://", "http://"})
        if (url.starts_with(scheme)) return is_host(url.substr(scheme.size()));
    return false;
}

Poco::Net::HTTPRequestHandlerFactory::Ptr make_handlers(const Service& service, Connections::Place& place) {
    return new Factory(service, place);
}

}  // namespace devkey::server
