#include "server/handler.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/StreamSocket.h>

#include <chrono>
#include <sstream>

namespace devkey::server {

using Poco::Net::HTTPServerRequest;
using Poco::Net::HTTPServerRequestImpl;
using Poco::Net::HTTPServerResponse;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t longest_body = 64U << 10U;
constexpr auto patience_for_a_body = std::chrono::seconds{20};

/// None: too long, too slow, or cut off.
std::optional<std::string> read_body(HTTPServerRequest& request) {
    if (request.hasContentLength() && static_cast<std::size_t>(request.getContentLength64()) > longest_body)
        return std::nullopt;
    std::string body;
    const auto deadline = steady_clock::now() + patience_for_a_body;
    auto& in = request.stream();
    for (char c = 0; in.get(c);) {
        body += c;
        if (body.size() > longest_body || steady_clock::now() > deadline) return std::nullopt;
    }
    if (request.hasContentLength() && body.size() != static_cast<std::size_t>(request.getContentLength64()))
        return std::nullopt;
    return body;
}

std::string path_of(const HTTPServerRequest& request) {
    const auto& target = request.getURI();
    return target.substr(0, target.find('?'));
}

ApiRequest to_api(const HTTPServerRequest& request, const Service& service) {
    ApiRequest api;
    api.method = request.getMethod();
    api.path = path_of(request);
    api.address = request.clientAddress().host().toString();
    if (request.has("Authorization")) api.authorization = request.get("Authorization");
    api.origin = service.public_url;
    if (api.origin.empty())
        api.origin = (service.tls ? "https://" : "http://") + request.get("Host", "localhost");
    return api;
}

/// Poco's request and response as the steps of an exchange.
class PocoExchange : public Exchange {
 public:
    PocoExchange(const Service& service, HTTPServerRequest& request, HTTPServerResponse& response,
                 ApiRequest api_request, steady_clock::time_point start)
        : service_(service),
          start_(start),
          socket_(dynamic_cast<HTTPServerRequestImpl&>(request).socket()),
          response_(response),
          request_(std::move(api_request)) {}

    [[nodiscard]] const ApiRequest& request() const override { return request_; }
    [[nodiscard]] std::stop_token stopping() const override { return service_.stopping; }
    ApiAnswer carry_out() override { return service_.api.answer(request_); }

    std::string bytes_of(const ApiAnswer& answer) override {
        status_ = answer.status;
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
                         .address = request_.address,
                         .microseconds = spent.count()});
    }

    const Service& service_;
    steady_clock::time_point start_;
    Poco::Net::StreamSocket& socket_;
    HTTPServerResponse& response_;
    ApiRequest request_;
    int status_ = 0;
    bool logged_ = false;
};

class Handler : public Poco::Net::HTTPRequestHandler {
 public:
    explicit Handler(const Service& service) : service_(service) {}

    void handleRequest(HTTPServerRequest& request, HTTPServerResponse& response) override {
        const auto start = steady_clock::now();
        auto api_request = to_api(request, service_);
        const auto body = read_body(request);
        api_request.body = body.value_or("");
        PocoExchange exchange(service_, request, response, std::move(api_request), start);
        answer(exchange, response, body.has_value());
    }

 private:
    void answer(PocoExchange& exchange, HTTPServerResponse& response, bool whole) {
        const auto& taken_otherwise = service_.api.seam().exchange;
        if (!whole) {
            response.setKeepAlive(false);  // what is left of the body must not be read as a request
            exchange.send(exchange.bytes_of({.status = 413}));
        } else if (taken_otherwise) {
            taken_otherwise(exchange);
        } else {
            exchange.send(exchange.bytes_of(exchange.carry_out()));
        }
    }

    const Service& service_;
};

class Factory : public Poco::Net::HTTPRequestHandlerFactory {
 public:
    explicit Factory(Service service) : service_(std::move(service)) {}
    Poco::Net::HTTPRequestHandler* createRequestHandler(const HTTPServerRequest& /*request*/) override {
        return new Handler(service_);
    }

 private:
    Service service_;
};

}  // namespace

Poco::Net::HTTPRequestHandlerFactory::Ptr make_handlers(Service service) {
    return new Factory(std::move(service));
}

}  // namespace devkey::server
