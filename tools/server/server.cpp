#include "server/server.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/SSLManager.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/ThreadPool.h>
#include <Poco/URI.h>

#include <chrono>
#include <thread>

namespace devkey::server {

using core::ErrorKind;
using core::fail;
using Poco::Net::Context;
using Poco::Net::HTTPServerRequest;
using Poco::Net::HTTPServerResponse;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t longest_body = 64U << 10U;
constexpr int most_threads = 32;
constexpr int most_queued = 256;
constexpr int most_header_fields = 100;
constexpr auto patience_for_one_read = 10;  // seconds
constexpr auto patience_for_a_body = std::chrono::seconds{20};
constexpr auto patience_at_the_end = std::chrono::seconds{5};

struct Service {
    Api& api;
    std::string public_url;
    bool tls;
    std::function<void(const Served&)> served;
};

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

class Handler : public Poco::Net::HTTPRequestHandler {
 public:
    explicit Handler(const Service& service) : service_(service) {}

    void handleRequest(HTTPServerRequest& request, HTTPServerResponse& response) override {
        const auto start = steady_clock::now();
        Served served{.method = request.getMethod(),
                      .path = path_of(request),
                      .address = request.clientAddress().host().toString()};
        const auto body = read_body(request);
        ApiAnswer answer{.status = 413};
        if (body)
            answer = service_.api.answer(to_api(request, served, *body));
        else
            response.setKeepAlive(false);  // what is left of the body must not be read as a request
        served.status = answer.status;
        send(answer, response);
        served.microseconds =
            std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - start).count();
        service_.served(served);
    }

 private:
    static std::string path_of(const HTTPServerRequest& request) {
        const auto& target = request.getURI();
        return target.substr(0, target.find('?'));
    }

    [[nodiscard]] ApiRequest to_api(const HTTPServerRequest& request, const Served& served,
                                    std::string body) const {
        ApiRequest api;
        api.method = served.method;
        api.path = served.path;
        api.body = std::move(body);
        api.address = served.address;
        if (request.has("Authorization")) api.authorization = request.get("Authorization");
        api.origin = service_.public_url;
        if (api.origin.empty())
            api.origin = (service_.tls ? "https://" : "http://") + request.get("Host", "localhost");
        return api;
    }

    static void send(const ApiAnswer& answer, HTTPServerResponse& response) {
        response.setStatus(static_cast<HTTPServerResponse::HTTPStatus>(answer.status));
        response.setReason(HTTPServerResponse::getReasonForStatus(response.getStatus()));
        if (answer.retry_after > 0) response.set("Retry-After", std::to_string(answer.retry_after));
        if (!answer.body) {
            // No content type: realm-web would try to parse nothing as JSON.
            if (answer.status != 204) response.setContentLength(0);
            response.send().flush();
            return;
        }
        // Without a charset: two SDK families know exactly this text.
        response.setContentType("application/json");
        response.sendBuffer(answer.body->data(), answer.body->size());
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

Poco::Net::ServerSocket make_socket(const Listen& listen, const Poco::Net::SocketAddress& address) {
    if (listen.tls_cert.empty()) return Poco::Net::ServerSocket(address, most_queued);
    Poco::Net::initializeSSL();
    Context::Params params;
    params.privateKeyFile = listen.tls_key;
    params.certificateFile = listen.tls_cert;
    params.verificationMode = Context::VERIFY_NONE;  // of clients: they show a token
    Context::Ptr context = new Context(Context::TLS_SERVER_USE, params);
    context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
    return Poco::Net::SecureServerSocket(address, most_queued, context);
}

Poco::Net::HTTPServerParams::Ptr make_params() {
    Poco::Net::HTTPServerParams::Ptr params = new Poco::Net::HTTPServerParams;
    params->setMaxThreads(most_threads);
    params->setMaxQueued(most_queued);
    params->setTimeout(Poco::Timespan(patience_for_one_read, 0));
    params->setKeepAliveTimeout(Poco::Timespan(15, 0));
    params->setSoftwareVersion("devkey-server/" DEVKEY_VERSION);
    return params;
}

}  // namespace

struct Server::Running {
    Poco::ThreadPool pool{2, most_threads};
    Poco::Net::HTTPServer http;
    std::uint16_t port;

    Running(Service service, const Poco::Net::ServerSocket& socket)
        : http(new Factory(std::move(service)), pool, socket, make_params()), port(socket.address().port()) {}
};

core::Result<std::unique_ptr<Server>> Server::start(const Listen& listen, Api& api,
                                                    std::function<void(const Served&)> served) {
    try {
        const Poco::Net::SocketAddress address(listen.host, listen.port);
        const bool tls = !listen.tls_cert.empty();
        if (!tls && !address.host().isLoopback())
            return fail(ErrorKind::InvalidInput,
                        "plain HTTP is served on loopback only; give --tls-cert and --tls-key");
        const auto socket = make_socket(listen, address);
        auto running =
            std::make_unique<Running>(Service{api, listen.public_url, tls, std::move(served)}, socket);
        running->http.start();
        return std::unique_ptr<Server>(new Server(std::move(running)));
    } catch (const Poco::Exception& error) {
        return fail(ErrorKind::Io, "can't listen on " + listen.host + ":" + std::to_string(listen.port) +
                                       ": " + error.displayText());
    }
}

Server::Server(std::unique_ptr<Running> running) : running_(std::move(running)) {}

Server::~Server() {
    stop();
}

std::uint16_t Server::port() const {
    return running_->port;
}

void Server::stop() {
    auto& http = running_->http;
    http.stop();
    const auto deadline = steady_clock::now() + patience_at_the_end;
    while (http.currentConnections() > 0 && steady_clock::now() < deadline) {
        http.stopAll(false);
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    http.stopAll(true);
    running_->pool.joinAll();
}

}  // namespace devkey::server
